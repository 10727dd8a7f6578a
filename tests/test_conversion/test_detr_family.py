"""What the official implementations that grew out of Moment-DETR have in common, as options and recorded numbers."""

import math
from types import SimpleNamespace

import pytest
import torch
from parity.comparison import Run, _gradients, _indices
from parity.groups import Tolerances
from parity.methods import detr_family as family
from testing import make_batch

from mmvmr.conversion import METHODS
from mmvmr.models.projectors import LinearProjector
from mmvmr.registry import MODELS

NEGATIVES = ('qd_detr', 'td_detr', 'cg_detr', 'bam_detr')  # beside UVCOM, which has tests of its own


def small_options(**changes):
    args = dict(hidden_dim=16, nheads=2, dim_feedforward=24, v_feat_dim=10, t_feat_dim=8, num_queries=5, max_q_l=40)
    args |= dict(enc_layers=1, dec_layers=2, set_cost_span=10, set_cost_giou=1, set_cost_class=4, span_loss_coef=10)
    args |= dict(giou_loss_coef=1, label_loss_coef=4, eos_coef=0.1, saliency_margin=0.2, lw_saliency=1.0)
    args |= dict(VTC_loss_coef=0.3, CTC_loss_coef=0.5, num_slot_iter=2, event_coef=3.0, quality_loss=True)
    args |= dict(quality_loss_coef=2, boundary_loss_coef=1, lw_wattn=1.0, lw_ms_align=1.0, lw_distill=1.0)
    args |= dict(num_dummies=3, total_prompts=4, num_prompts=1)
    args |= dict.fromkeys(('t2v_layers', 'sent_layers', 'moment_layers', 'dummy_layers'), 1)
    return {**args, 'dset_name': 'hl', **changes}


def build(name, **changes):
    torch.manual_seed(0)
    return MODELS.build(METHODS[name].model_config(small_options(**changes))).eval()


@pytest.mark.parametrize('name', ['qd_detr', 'tr_detr', 'td_detr'])
def test_only_tvsum_is_trained_without_matching(name):
    for dataset, matched in (('tvsum', False), ('youtube_uni', True), ('charades', True)):
        criterion = build(name, dset_name=dataset).criterion
        assert (criterion.assigner is not None) == matched
        assert ('span' in criterion.losses) == matched


@pytest.mark.parametrize('name', ['qd_detr', 'td_detr', 'bam_detr', 'cg_detr', 'tr_detr'])
def test_audio_joins_the_channels_of_the_video(name):
    model = build(name, a_feat_dir='audio', a_feat_dim=6)
    assert model.projector.video[0].linear.in_features == 16
    assert build(name, a_feat_dir=None, a_feat_dim=6).projector.video[0].linear.in_features == 10


@pytest.mark.parametrize('name', [*NEGATIVES, 'eatr', 'tr_detr', 'moment_detr'])
def test_learned_positions_of_words(name):
    model = build(name, use_txt_pos=True)
    inputs = model.data_preprocessor(make_batch())['inputs']
    before = model.predict_sets(inputs).saliency
    with torch.no_grad():
        model.projector.text_position.embedding.weight += torch.randn(40, 16)
    assert not torch.allclose(model.predict_sets(inputs).saliency, before)
    state = {'txt_position_embed.position_embeddings.weight': torch.zeros(1)}
    assert list(METHODS[name].convert(state)) == ['projector.text_position.embedding.weight']


@pytest.mark.parametrize('name', NEGATIVES)
def test_negative_sentences_keep_the_positions_of_the_right_ones(name):
    model = build(name, use_txt_pos=True)
    features = model.projector(model.data_preprocessor(make_batch())['inputs'])
    pair = next(m for m in model.modules() if type(m).__name__ == 'NegativePairEncoder')
    targets = SimpleNamespace(video_index=torch.arange(len(features.text.feat)))
    for option, expected in (('kept', features.text.pos), ('moved', features.text.pos.roll(-1, 0))):
        pair.word_positions = option
        text, _ = pair.negatives(features, targets, None)
        torch.testing.assert_close(text.feat, features.text.feat.roll(-1, 0))
        torch.testing.assert_close(text.pos, expected)


def test_words_are_marked_before_they_get_positions():
    torch.manual_seed(0)
    parts = dict(text_position=dict(type='LearnedTextPosition', embed_dims=8, input_dropout=0.0))
    marked = dict(type='ModalityEmbedding', embed_dims=8)
    projector = LinearProjector(4, 5, 8, input_dropout=0.0, modality=marked, **parts).eval()
    inputs = dict(video=torch.randn(2, 6, 4), text=torch.randn(2, 3, 5), neg_text=torch.randn(2, 2, 5))
    inputs |= {
        f'{name}_mask': torch.ones(2, length).bool() for name, length in (('video', 6), ('text', 3), ('neg_text', 2))
    }
    features = projector(inputs)
    word = projector.modality.embedding.weight[0]
    for name, tokens in (('text', features.text), ('neg_text', features.negative_text)):
        feat = projector.text(inputs[name]) + word
        place = projector.text_position
        torch.testing.assert_close(tokens.feat, feat)
        torch.testing.assert_close(tokens.pos, place.norm(feat + place.embedding.weight[: feat.shape[1]]))


@pytest.mark.parametrize('width_first', [False, True])
def test_sine_code(width_first):
    spans = torch.rand(3, 2, 2)
    width = [10000 ** (2 * (k // 2) / 128) for k in range(128)]
    halves = [
        torch.stack([(math.sin, math.cos)[k % 2](2 * math.pi * x / width[k]) * torch.ones(()) for k in range(128)])
        for x in (spans[0, 1, 0].item(), spans[0, 1, 1].item())
    ]
    recorded = {'extra.sine256_in': spans, 'extra.sine256_out': torch.zeros(3, 2, 256)}
    ((name, ours, reference),) = family.sine_code(recorded, width_first)
    assert name == 'sine code'
    assert list(reference) == ['extra.sine256_out']
    expected = torch.cat(halves[::-1] if width_first else halves)
    torch.testing.assert_close(ours['extra.sine256_out'][0, 1], expected, atol=1e-5, rtol=0)
    assert not list(family.sine_code({'pred_spans': spans}))


def run_of(losses, **parameters):
    model = torch.nn.Module()
    for name, gradient in parameters.items():
        model.register_parameter(name, torch.nn.Parameter(torch.zeros(1)))
        getattr(model, name).grad = torch.tensor([gradient])
    case = SimpleNamespace(label='', losses=losses, indices={'': torch.zeros(3, 1)})
    return Run(SimpleNamespace(method=SimpleNamespace(rename=lambda key: key)), model, {}, None, case, Tolerances())


@pytest.mark.parametrize(('found', 'passes'), [(5e-7, True), (5e-6, False)])
@pytest.mark.parametrize('largest', [1.0, 100.0])
def test_gradients_below_the_floor_are_zero_whatever_the_largest_is(largest, found, passes):
    recorded = {'gradnorm/a': torch.tensor(largest), 'gradnorm/b': torch.tensor(1e-8)}
    assert _gradients(run_of(recorded, a=largest, b=found)).passed == passes


def test_recorded_indices_without_a_matching_have_no_counterpart():
    run = run_of({})
    run.model.criterion = SimpleNamespace(assigner=None)
    assert _indices(run, SimpleNamespace(sets=[])).missing == ['indices']
