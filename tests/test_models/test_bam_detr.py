"""BAM-DETR: moments, boundary pathways, losses, soft-NMS, official options, the model as a whole."""

import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from testing import make_batch, make_targets, shrink, tiny_model

import mmvmr.models  # noqa: F401
from mmvmr.conversion import METHODS
from mmvmr.models.layers import BoundaryDeformation, ConvStack
from mmvmr.models.losses import BalancedQualityLoss, BoundaryEvidenceLoss
from mmvmr.models.postprocessor import MomentPostProcessor
from mmvmr.models.query_initializers import MomentQueryInitializer, allowed_distances
from mmvmr.models.task_modules import SoftNMS
from mmvmr.registry import MODELS
from mmvmr.structures import (
    BoundaryPathways,
    Decoded,
    Memory,
    Outputs,
    PredictionSet,
    Tokens,
    point_distances_to_start_end,
)

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DEFAULT = CONFIGS / 'bam_detr/bam_detr_qvhl.py'
OFFICIAL = CONFIGS / 'bam_detr/bam_detr_official_qvhl.py'


def memory_of(batch=2, clips=4, dims=8):
    tokens = Tokens(torch.randn(batch, clips, dims), torch.ones(batch, clips, dtype=torch.bool))
    return Memory(video=tokens, context=tokens)


def test_parameters_equal_the_card():
    model = MODELS.build(Config.fromfile(OFFICIAL).model)
    dims, ffn = 256, 1024
    mlp = 2 * (dims * dims + dims)
    text_encoder = 2 * (4 * dims * dims + 4 * dims + 2 * dims * ffn + ffn + dims + 4 * dims + 1)
    # What the official code carries along and never uses.
    dead = {
        'text encoder': text_encoder,
        'query_scale of the boundaries': 2 * mlp,
        'ref_point_head_boundary': mlp,
        'norm1 of four boundary layers': 4 * 2 * dims,
        'text position': 8704,
        'text token and its position': 2 * dims,
    }
    assert sum(p.numel() for p in model.parameters()) + sum(dead.values()) == 14_503_994


@pytest.mark.parametrize('layers', [1, 2, 3])
@pytest.mark.parametrize('path', [DEFAULT, OFFICIAL], ids=['default', 'official'])
def test_any_depth_trains_every_parameter(path, layers):
    changes = {'decoder': {'num_layers': layers}}
    if path == OFFICIAL:
        changes['moment_head'] = {'logits': {'num_layers': layers}}
    model = tiny_model(path, changes)
    for mlp in (mlp for steps in model.decoder.steps for mlp in steps):
        torch.nn.init.normal_(mlp.layers[-1].weight)  # zero at the start, so that nothing before it learns yet
    # Many moments: a point learns nothing from predictions that enclose their moment or lie inside it.
    batch = make_batch(clips=(13,) * 8, words=(5,) * 8, moments=(6,) * 8)
    losses = model(**model.data_preprocessor(batch), mode='loss')
    auxiliary = {f'loss_quality.{i}' for i in range(layers - 1)}
    assert {name for name in losses if name.startswith('loss_quality')} == {'loss_quality', *auxiliary}
    sum(losses.values()).backward()
    # The first layer does not scale its position; the official class head has weight 0.
    exempt = ('decoder.position.query_scale',) if layers == 1 else ()
    exempt += ('moment_head.logits',) if path == OFFICIAL else ()
    gradients = {name: p.grad for name, p in model.named_parameters() if not name.startswith(exempt)}
    assert [name for name, g in gradients.items() if g is None or not g.isfinite().all() or g.abs().sum() == 0] == []


def test_moments_stay_inside_the_video():
    logits = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)) * 3
    windows = point_distances_to_start_end(allowed_distances(logits).sigmoid())
    # The official inverse sigmoid stops at 1e-3, so ends may pass the video by as much.
    assert windows[:, 0].min() >= -1e-6
    assert windows[:, 1].max() <= 1 + 1e-3
    inside = torch.tensor([[0.0, -2.0, -3.0]])
    assert torch.equal(allowed_distances(inside), inside)


def test_projection_in_place_changes_the_parameter_and_nothing_else():
    results = {}
    for projection in ('straight_through', 'in_place'):
        torch.manual_seed(3)
        module = MomentQueryInitializer(10, 8, projection).eval()
        before = module.moments.weight.detach().clone()
        queries = module(memory_of())
        (queries.anchors * torch.arange(3.0)).sum().backward()
        results[projection] = queries.anchors.detach(), module.moments.weight.grad
        assert torch.equal(module.moments.weight, before) == (projection == 'straight_through')
    for one, other in zip(*results.values()):
        torch.testing.assert_close(one, other)
    with pytest.raises(ValueError, match=r"projection='never' is unknown"):
        MomentQueryInitializer(10, 8, 'never')


def test_boundary_deformation_against_a_loop():
    torch.manual_seed(0)
    module = BoundaryDeformation(8, num_heads=2, num_points=3, zero_init=False)
    state, features, boundary = torch.randn(2, 3, 8), torch.randn(2, 5, 16), torch.rand(2, 3)
    mask = torch.arange(5) < torch.tensor([5, 3])[:, None]
    found = module(state, features, boundary, mask)
    value = module.value(features)
    for b, n in ((0, 1), (1, 2)):
        count = int(mask[b].sum())
        merged = torch.zeros(8)
        for head in range(2):
            weights = module.weights(state[b, n]).view(2, 3)[head].softmax(-1)
            offsets = module.offsets(state[b, n]).view(2, 3)[head]
            for weight, offset in zip(weights, offsets):
                point = (boundary[b, n] * count + offset - 0.5).clamp(0, count - 1)
                low, share = int(point), point - int(point)
                high = min(low + 1, count - 1)
                read = (1 - share) * value[b, low] + share * value[b, high]
                merged[head::2] += weight * read[4 * head : 4 * head + 4]
        torch.testing.assert_close(found[b, n], module.output(merged))


def test_padding_reaches_only_the_official_boundary_reading():
    features, state = torch.randn(1, 6, 16), torch.randn(1, 4, 8)
    mask, boundary = torch.arange(6)[None] < 4, torch.rand(1, 4)
    poisoned = features.clone()
    poisoned[:, 4:] = 100.0
    for scale, same in (('valid', True), ('padded', False)):
        torch.manual_seed(0)
        module = BoundaryDeformation(8, num_heads=2, scale=scale)
        with torch.no_grad():
            first, second = (module(state, f, boundary, mask) for f in (features, poisoned))
        assert torch.allclose(first, second) == same
    for padding, same in (('zero', True), ('keep', False)):
        torch.manual_seed(0)
        stack = ConvStack(16, padding=padding)
        with torch.no_grad():
            assert torch.allclose(stack(features, mask)[:, :4], stack(poisoned, mask)[:, :4]) == same


def test_points_start_behind_the_boundary_after_the_xavier_pass():
    model = tiny_model(DEFAULT)
    for side in model.decoder.boundary_layers[0]:
        assert side.attention.offsets.bias.view(2, 3).tolist() == [[1.0, 2.0, 3.0]] * 2
        assert side.attention.offsets.weight.abs().sum() == 0
    official = tiny_model(OFFICIAL).decoder.boundary_layers[0][0].attention
    assert official.offsets.bias.view(2, 4).tolist() == [[1.0, 2.0, 3.0, 4.0]] * 2
    assert official.offsets.weight.abs().sum() > 0


def test_balanced_quality_loss():
    targets = make_targets((10,), (1,))
    targets.spans[0, 0] = torch.tensor([0.5, 0.4])  # 0.3 to 0.7
    # IoU 1, 0.5 (half of it), 0 and, after clamping to the video, 0.4 / 1.
    spans = torch.tensor([[[0.5, 0.4], [0.4, 0.2], [0.1, 0.1], [0.5, 3.0]]])
    quality = torch.tensor([[0.8, 0.4, 0.3, 0.6]])
    loss = BalancedQualityLoss()(PredictionSet('direct', spans, quality=quality), None, targets)
    assert loss.item() == pytest.approx((0.2 + (0.1 + 0.2) / 2 + 0.3) / 3, abs=1e-6)


def test_boundary_targets_use_the_clips_that_exist():
    targets = make_targets((10, 5), (1, 1))
    targets.spans[:, 0] = torch.tensor([0.5, 0.4])  # clips 3..7 of 10, 1.5..3.5 of 5
    start, end = BoundaryEvidenceLoss().positives(targets)
    # Reach 0.2 to 0.34 and 0.66 to 0.8; clip middles lie at 0.25, 0.35, ... and 0.1, 0.3, ...
    assert [row.nonzero()[:, 0].tolist() for row in (*start, *end)] == [[2], [1], [7], [3]]
    start, _ = BoundaryEvidenceLoss(grid='padded').positives(targets)
    assert start[1].nonzero()[:, 0].tolist() == [2]


def test_boundary_loss_weighs_both_classes_alike():
    targets = make_targets((10,), (1,))
    targets.spans[0, 0] = torch.tensor([0.5, 0.4])
    evidence = torch.full((2, 1, 10, 4), math.atanh(0.2))
    outputs = Outputs(
        None, None, None, Decoded(torch.zeros(1, 1, 1, 1), extras=(BoundaryPathways(None, evidence),)), []
    )
    expected = 0.5 * (-math.log(0.2) - math.log(0.8))
    assert BoundaryEvidenceLoss()(outputs, targets).item() == pytest.approx(expected, rel=1e-5)
    outputs.decoded.extras = ()
    with pytest.raises(ValueError, match='DualPathDecoder'):
        BoundaryEvidenceLoss()(outputs, targets)


def slow_soft_nms(windows, scores, threshold, sigma, most):
    """The published procedure for one sample, IoU over the hull."""
    left = [[*window, score, i] for i, (window, score) in enumerate(zip(windows, scores))]
    kept = []
    while left and len(kept) < most:
        best = max(left, key=lambda p: p[2])
        left.remove(best)
        kept.append(best)
        for other in left:
            inter = max(0.0, min(best[1], other[1]) - max(best[0], other[0]))
            hull = max(best[1], other[1]) - min(best[0], other[0])
            iou = inter / hull if hull else 0.0
            if iou > threshold:
                other[2] *= math.exp(-iou * iou / sigma)
    return [p[3] for p in kept], [p[2] for p in kept]


@pytest.mark.parametrize('most', [None, 3, 50])
def test_soft_nms_against_a_loop(most):
    generator = torch.Generator().manual_seed(0)
    windows = (torch.rand(4, 9, 2, generator=generator, dtype=torch.float64) * 20).round().sort(-1).values
    windows[1] = windows[1, :1]  # nine times the same window
    scores = torch.rand(4, 9, generator=generator, dtype=torch.float64).sort(1, descending=True).values
    index, decayed = SoftNMS(max_predictions=most)(windows, scores)
    for row in range(4):
        expected = slow_soft_nms(windows[row].tolist(), scores[row].tolist(), 0.3, 0.5, most or 9)
        assert index[row].tolist() == expected[0]
        assert decayed[row].tolist() == pytest.approx(expected[1])


def test_postprocessor_ranks_by_the_decayed_scores():
    sample = make_batch((10,), (3,), (1,))['data_samples'][0]
    spans = torch.tensor([[[0.2, 0.4], [0.2, 0.4], [0.8, 0.2]]])
    final = PredictionSet('direct', spans, final=True, quality=torch.tensor([[0.9, 0.8, 0.5]]))
    outputs = Outputs(None, None, None, None, [final])
    found = MomentPostProcessor('quality', nms=dict(type='SoftNMS'))(outputs, [sample])[0].pred_instances
    assert isinstance(found, InstanceData)
    assert found.windows[:, 0].tolist() == pytest.approx([0.0, 14.0, 0.0], abs=1e-4)
    assert found.spans[:, 0].tolist() == pytest.approx([0.2, 0.8, 0.2])
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.8 * math.exp(-2)])


def test_official_config_depends_on_the_batch_and_the_default_does_not():
    together = make_batch()
    alone = {name: features[2:3] for name, features in together['inputs'].items()}
    for path, same in ((DEFAULT, True), (OFFICIAL, False)):
        model = tiny_model(path).eval()
        torch.nn.init.normal_(model.decoder.steps[0][1].layers[-1].weight)
        with torch.no_grad():
            batch = model(model.data_preprocessor(together)['inputs'])
            single = model(model.data_preprocessor({'inputs': alone})['inputs'])
        assert torch.allclose(single.final.spans[0], batch.final.spans[2], atol=1e-5) == same
        assert torch.allclose(single.final.quality[0], batch.final.quality[2], atol=1e-5) == same


@pytest.mark.parametrize('initializer', ['LearnedAnchorQueryInitializer', 'DynamicAnchorQueryInitializer'])
def test_queries_of_other_methods(initializer):
    cfg = shrink(Config.fromfile(DEFAULT).model)
    cfg.query_initializer = dict(
        type='DualPathQueryInitializer',
        direct=dict(type=initializer, num_queries=6),
        noise=dict(type='NoiseQueryGenerator', num_groups=2),
    )
    cfg.criterion.losses['noise_span'] = dict(type='SpanL1Loss', sets=('noise',))
    model = MODELS.build(cfg)
    losses = model(**model.data_preprocessor(make_batch()), mode='loss')
    assert losses['loss_noise_span.noise.1'].isfinite()
    sum(losses.values()).backward()
    cfg.query_initializer = dict(type='LearnedQueryInitializer', num_queries=6)
    with pytest.raises(ValueError, match='DualPathDecoder needs queries with anchors'):
        model = MODELS.build(cfg)
        model(**model.data_preprocessor(make_batch()), mode='loss')


def official_args(**changes):
    args = dict(hidden_dim=32, nheads=4, dim_feedforward=48, v_feat_dim=10, t_feat_dim=8, num_queries=7)
    args |= dict(enc_layers=1, dec_layers=2, set_cost_span=10, set_cost_giou=1, set_cost_class=0, lw_saliency=1.0)
    args |= dict(span_loss_coef=10, giou_loss_coef=1, label_loss_coef=4, eos_coef=0.1, saliency_margin=0.2)
    args |= dict(quality_loss=True, quality_loss_coef=2, boundary_loss_coef=1, aux_loss=True, a_feat_dir=None)
    return {**args, **changes}


def test_official_options():
    def losses(**changes):
        model = MODELS.build(METHODS['bam_detr'].model_config(official_args(**changes)))
        batch = make_batch(dims=(model.projector.video[0].linear.in_features, 8))
        return {n.removeprefix('loss_') for n in model(**model.data_preprocessor(batch), mode='loss')}

    saliency = {'saliency_margin', 'saliency_rank', 'saliency_negative'}
    final = {'span', 'giou', 'label'}
    aux = {f'{name}.0' for name in final}
    assert losses() == final | aux | saliency | {'quality', 'quality.0', 'boundary'}
    assert losses(quality_loss=False) == final | aux | saliency
    assert losses(aux_loss=False) == final | saliency | {'quality', 'boundary'}
    assert losses(dset_name='tvsum') == saliency
    assert losses(a_feat_dir='audio', a_feat_dim=6, dset_name='tvsum') == saliency
    with pytest.raises(ValueError, match="span_loss_type='ce' is not implemented"):
        losses(span_loss_type='ce')
