"""VDI on MMN: the checks of a reconstruction, and every option against loops over sentences and frames."""

import copy
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from testing import make_batch, shrink
from torch import nn

from mmvmr.models import FrameGuide, ResponseGRU, ResponseTransformer, SpatialDynamicLoss, VisualContextLoss
from mmvmr.models.layers.frame_guide import frames_inside
from mmvmr.models.layers.response_encoder import normalise_responses
from mmvmr.models.losses.injection_losses import relation
from mmvmr.registry import MODELS
from mmvmr.structures import (
    ExtraInputs,
    Features,
    JointSpace,
    Memory,
    MomentTargets,
    Outputs,
    Proposals,
    Tokens,
    to_center_width,
)

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'vdi' / 'vdi_charades.py'
DIMS = 6
#: Sentences 0 and 1 are about video 0, sentence 2 about video 1.
ROWS = torch.tensor([0, 0, 1])
#: Roles of words: the second sentence has no word of change, the third none of things; padding has roles, too.
ROLES = torch.tensor([[2, 1, 0, 1], [2, 2, 0, 1], [1, 0, 2, 2]])
LENGTHS = (4, 3, 2)
WINDOWS = [[(0.12, 0.52)], [(0.31, 0.32)], [(0.0, 0.22), (0.72, 1.0)]]
FRAMES = (8, 5)


def make_outputs(seed=0, dims=DIMS, patches=4):
    torch.manual_seed(seed)
    mask = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
    words = Tokens(torch.randn(3, 4, dims).requires_grad_(), mask)
    clips = Tokens(torch.zeros(2, 4, 1), torch.ones(2, 4).bool())
    frames = torch.randn(2, 8, dims).requires_grad_()
    inputs = dict(
        roles=ROLES,
        patches=torch.randn(2, max(FRAMES), patches, dims).requires_grad_(),
        patches_mask=torch.arange(max(FRAMES)) < torch.tensor(FRAMES)[:, None],
    )
    space = JointSpace(torch.zeros(2, 1, 1), torch.zeros(3, 1))
    memory = Memory(clips, clips, sentence=torch.randn(3, dims).requires_grad_(), extras=(ExtraInputs(inputs),))
    memory.proposals = Proposals(torch.zeros(2, 1, 2), space, space)
    raw = Tokens(frames, torch.ones(2, 8).bool())
    return Outputs(Features(clips, words, raw_video=raw, rows=ROWS), memory, None, None, [])


def make_targets(windows=WINDOWS):
    spans = torch.tensor([0.5, 1.0]).repeat(len(windows), 2, 1)
    for row, moments in zip(spans, windows):
        if moments:
            row[: len(moments)] = to_center_width(torch.tensor(moments))
    mask = torch.arange(2) < torch.tensor([len(m) for m in windows])[:, None]
    none = torch.zeros(len(windows), 4)
    pairs = torch.full((len(windows), 2, 1), -1)
    return MomentTargets(spans, mask, none, none > 1, pairs, none < 1, ROWS, ['main'] * len(windows))


def words_with(outputs, role):
    """Mean of the valid words of a role, the sentence without any."""
    found = []
    for row, length in enumerate(LENGTHS):
        chosen = [outputs.features.text.feat[row, i] for i in range(length) if ROLES[row, i] == role]
        found.append(torch.stack(chosen).mean(0) if chosen else outputs.memory.sentence[row])
    return torch.stack(found)


def inside(row, count):
    """Frames whose middle lies in a moment; the nearest one where there is none."""
    found = set()
    for start, end in WINDOWS[row]:
        middles = [(t + 0.5) / count for t in range(count)]
        found |= {t for t in range(count) if start <= middles[t] <= end}
        found.add(min(range(count), key=lambda t: abs(middles[t] - (start + end) / 2)))
    return sorted(found)


def contexts(outputs, temperature=0.01, everywhere=False):
    guides, found = words_with(outputs, 2), []
    for row, video in enumerate(ROWS):
        frames = outputs.features.raw_video.feat[video]
        chosen = frames if everywhere else frames[inside(row, len(frames))]
        weight = (F.cosine_similarity(chosen, guides[row].unsqueeze(0), dim=1) / temperature).softmax(0)
        found.append(weight @ chosen)
    return torch.stack(found)


def cosine_matrix(x):
    x = F.normalize(x, dim=1)
    return x @ x.t()


def test_frames_inside():
    targets = make_targets()
    for count in FRAMES:
        valid = (torch.arange(8) < count).expand(3, 8)
        found = frames_inside(targets.spans, targets.span_mask, valid)
        for row in range(3):
            assert found[row].nonzero().flatten().tolist() == inside(row, count)
    no_moment = make_targets([[], [], []])
    assert torch.equal(frames_inside(no_moment.spans, no_moment.span_mask, valid), valid)


@pytest.mark.parametrize('where', ['moment', 'video'])
@pytest.mark.parametrize('distance', ['cosine', 'mse'])
def test_consistent_visual_context(where, distance):
    loss = VisualContextLoss(DIMS, DIMS, temperature=0.3, where=where, distance=distance)
    outputs = make_outputs()
    words = F.normalize(loss.project_words(words_with(outputs, 1)), dim=1)
    video = F.normalize(loss.project_video(contexts(outputs, 0.3, where == 'video')), dim=1)
    expected = {'cosine': 1 - (words * video).sum(1), 'mse': (words - video).square().mean(1)}[distance]
    torch.testing.assert_close(loss(outputs, make_targets()), expected.mean())


def test_consistent_without_projections():
    loss, outputs = VisualContextLoss(DIMS, DIMS, projection='none'), make_outputs()
    assert not list(loss.parameters())
    expected = 1 - F.cosine_similarity(words_with(outputs, 1), contexts(outputs))
    torch.testing.assert_close(loss(outputs, make_targets()), expected.mean())


@pytest.mark.parametrize('inject', ['dynamic', 'sentence'])
def test_relational_visual_context(inject):
    loss = VisualContextLoss(DIMS, DIMS, form='relational', inject=inject)
    assert not list(loss.parameters())
    outputs = make_outputs()
    words = words_with(outputs, 1) if inject == 'dynamic' else outputs.memory.sentence
    expected = (cosine_matrix(contexts(outputs)) - cosine_matrix(words)).square().mean()
    torch.testing.assert_close(loss(outputs, make_targets()), expected)


def dynamics(loss, outputs):
    guides, found = words_with(outputs, 2), []
    for row, video in enumerate(ROWS):
        maps = []
        for t in inside(row, FRAMES[video]):
            cosine = F.cosine_similarity(
                outputs.memory.find(ExtraInputs).tensors['patches'][video, t], guides[row].unsqueeze(0), dim=1
            )
            if loss.response == 'softmax':
                maps.append((cosine / loss.temperature).softmax(0))
            else:
                maps.append((cosine - cosine.min()) / (cosine.max() - cosine.min()))
        maps = torch.stack(maps).unsqueeze(0)
        found.append(loss.encoder(maps, torch.ones(maps.shape[:2]).bool()))
    return torch.cat(found)


@pytest.mark.parametrize('encoder', ['ResponseTransformer', 'ResponseGRU'])
@pytest.mark.parametrize('response', ['minmax', 'softmax'])
def test_relational_spatial_dynamics(encoder, response):
    loss = SpatialDynamicLoss(
        DIMS, DIMS, num_patches=4, encoder=dict(type=encoder), encoder_dims=8, response=response, temperature=0.2
    )
    outputs = make_outputs()
    expected = (cosine_matrix(dynamics(loss, outputs)) - cosine_matrix(words_with(outputs, 1))).square().mean()
    torch.testing.assert_close(loss(outputs, make_targets()), expected, atol=1e-5, rtol=1e-4)


def test_consistent_spatial_dynamics():
    loss = SpatialDynamicLoss(DIMS, DIMS, num_patches=4, form='consistent', encoder_dims=8)
    outputs = make_outputs()
    words = F.normalize(loss.project_words(words_with(outputs, 1)), dim=1)
    video = F.normalize(loss.project_video(dynamics(loss, outputs)), dim=1)
    torch.testing.assert_close(loss(outputs, make_targets()), (1 - (words * video).sum(1)).mean())


def test_relation_as_divergence():
    torch.manual_seed(0)
    a, b, valid = torch.randn(4, 3), torch.randn(4, 5), torch.tensor([True, True, False, True])
    kept = valid.nonzero().flatten()
    p, q = ((cosine_matrix(x[kept]) / 0.1).softmax(1) for x in (a, b))
    expected = (p * (p / q).log()).sum(1).mean()
    torch.testing.assert_close(relation(a, b, valid, 'kl', 0.1), expected)
    expected = (cosine_matrix(a[kept]) - cosine_matrix(b[kept])).square().mean()
    torch.testing.assert_close(relation(a, b, valid, 'mse', 0.1), expected)


@pytest.mark.parametrize('make', ['context', 'dynamics'])
def test_sentences_without_a_moment_do_not_count(make):
    loss = make_loss(make)
    outputs, some = make_outputs(), [WINDOWS[0], [], WINDOWS[2]]
    value = loss(outputs, make_targets(some))
    value.backward()
    assert torch.isfinite(value)
    nothing = loss(make_outputs(), make_targets([[], [], []]))
    assert nothing.item() == 0
    assert torch.isfinite(outputs.features.text.feat.grad).all()


def make_loss(name, **kwargs):
    torch.manual_seed(1)
    if name == 'context':
        return VisualContextLoss(DIMS, DIMS, **kwargs)
    return SpatialDynamicLoss(DIMS, DIMS, num_patches=4, encoder_dims=8, **kwargs)


# ---- Check 1: without weights it is the host, bit for bit.


def build(changes=None):
    cfg = shrink(Config.fromfile(CONFIG).model, {'encoder': {'num_layers': 2}, **(changes or {})})
    torch.manual_seed(0)
    return MODELS.build(cfg).train()


def train(model, steps=2):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for step in range(steps):
        torch.manual_seed(step)
        batch = make_batch(seed=step, extras=('roles', 'patches'))
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        optimizer.zero_grad()
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    return model


def weights(context, dynamics):
    return dict(criterion=dict(losses=dict(visual_context=dict(weight=context), spatial_dynamic=dict(weight=dynamics))))


def test_without_weights_it_is_mmn_bit_for_bit():
    none = dict(criterion=dict(losses=dict(visual_context=None, spatial_dynamic=None)))
    host, off, on = train(build(none)), train(build(weights(0.0, 0.0))), train(build())
    expected = host.state_dict()
    found = {name: value for name, value in off.state_dict().items() if name in expected}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert not all(torch.equal(on.state_dict()[name], value) for name, value in expected.items())


@pytest.mark.parametrize(('left', 'gone'), [((0.5, 0.0), 'spatial_dynamic'), ((0.0, 0.01), 'visual_context')])
def test_each_loss_is_switched_off_by_its_weight(left, gone):
    model = build(weights(*left))
    assert not any(p.requires_grad for p in model.criterion.losses[gone].parameters())
    batch = model.data_preprocessor(make_batch(extras=('roles', 'patches')), training=True)
    losses = model(**batch, mode='loss')
    assert losses[f'loss_{gone}'].item() == 0
    removed = build(dict(criterion=dict(losses={gone: None})))
    others = removed(**batch, mode='loss')
    assert set(others) == set(losses) - {f'loss_{gone}'}


# ---- Check 2: the context reaches words of change only, and nothing reaches the context.


@pytest.mark.parametrize('name', ['context', 'dynamics'])
def test_only_words_of_change_have_a_gradient(name):
    outputs = make_outputs()
    make_loss(name)(outputs, make_targets()).backward()
    has_gradient = outputs.features.text.feat.grad.abs().sum(-1) > 0
    valid = outputs.features.text.mask
    # The second sentence has no such word: it receives as a whole.
    assert torch.equal(has_gradient, (ROLES == 1) & valid)
    assert (outputs.memory.sentence.grad.abs().sum(-1) > 0).tolist() == [False, True, False]
    assert outputs.features.raw_video.feat.grad is None
    assert outputs.memory.find(ExtraInputs).tensors['patches'].grad is None


def test_into_the_whole_sentence():
    outputs = make_outputs()
    make_loss('context', inject='sentence')(outputs, make_targets()).backward()
    assert outputs.features.text.feat.grad is None
    assert (outputs.memory.sentence.grad.abs().sum(-1) > 0).all()


# ---- Check 3: the relation does not know order or orientation.


@pytest.mark.parametrize('distance', ['mse', 'kl'])
def test_relation_is_invariant(distance):
    torch.manual_seed(0)
    g, d, valid = torch.randn(5, 4), torch.randn(5, 6), torch.tensor([True, True, False, True, True])
    expected = relation(g, d, valid, distance, 0.1)
    order = torch.randperm(5)
    rotation = torch.linalg.qr(torch.randn(4, 4)).Q
    torch.testing.assert_close(relation(g[order], d[order], valid[order], distance, 0.1), expected)
    torch.testing.assert_close(relation(g @ rotation, d, valid, distance, 0.1), expected)


def test_spatial_dynamics_do_not_know_the_order_of_the_batch():
    loss, outputs = make_loss('dynamics'), make_outputs()
    expected = loss(outputs, make_targets())
    order = torch.tensor([2, 0, 1])
    moved = copy.copy(outputs)
    moved.features = Features(
        outputs.features.video,
        Tokens(outputs.features.text.feat[order], outputs.features.text.mask[order]),
        raw_video=outputs.features.raw_video,
        rows=ROWS[order],
    )
    inputs = dict(outputs.memory.find(ExtraInputs).tensors, roles=ROLES[order])
    moved.memory = Memory(
        outputs.memory.video,
        outputs.memory.video,
        sentence=outputs.memory.sentence[order],
        extras=(ExtraInputs(inputs),),
    )
    torch.testing.assert_close(loss(moved, make_targets([WINDOWS[i] for i in order])), expected)


# ---- Check 4: features that were trained apart cannot guide: the context does not depend on the words.


def guided(separated, seeds=200):
    """How often the frame that shows the thing which a sentence names has the largest part in the context."""
    torch.manual_seed(0)
    hits = 0
    guide = FrameGuide(64, 64)
    for _ in range(seeds):
        rotation = torch.linalg.qr(torch.randn(64, 64)).Q
        things = F.normalize(torch.randn(8, 64), dim=1)
        frames = F.normalize(things + 0.05 * torch.randn(8, 64), dim=1)
        if separated:
            frames = frames @ rotation
        thing = int(torch.randint(8, ()))
        hits += int(guide(things[thing], frames).argmax()) == thing
    return hits / seeds


def test_separate_features_do_not_guide():
    assert guided(separated=False) > 0.99
    assert guided(separated=True) == pytest.approx(1 / 8, abs=0.07)


def test_separate_features_of_other_width_need_a_learned_space():
    with pytest.raises(ValueError, match='text tokens have 5 channels and frames 6'):
        FrameGuide(5, 6)
    guide = FrameGuide(5, 6, space='learned', joint_dims=4)
    words, frames = torch.randn(5).requires_grad_(), torch.randn(3, 6).requires_grad_()
    guide(words, frames).sum().backward()
    assert words.grad is None
    assert frames.grad is None
    assert all(p.grad.abs().sum() > 0 for p in guide.parameters() if p.dim() == 2)


# ---- Check 5: nothing of VDI runs in evaluation.


def test_nothing_is_active_in_evaluation():
    model = build().eval()
    none = dict(criterion=dict(losses=dict(visual_context=None, spatial_dynamic=None)))
    host = build(none).eval()
    called = []
    for name, module in model.criterion.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    batch = make_batch()  # no roles, no patches
    with torch.no_grad():
        found = model(**model.data_preprocessor(batch), mode='predict')
        tensors = model(**model.data_preprocessor(batch))
        expected = host(**host.data_preprocessor(make_batch()), mode='predict')
    assert not called
    for a, b in zip(found, expected):
        assert torch.equal(a.pred_instances.windows, b.pred_instances.windows)
        assert torch.equal(a.pred_instances.scores, b.pred_instances.scores)
    assert tensors.final.quality.shape[0] == 4


# ---- Options.


def test_guided_by_an_encoding_of_the_things_alone():
    outputs = make_outputs()
    vectors = torch.randn(3, 1, DIMS)
    outputs.memory.find(ExtraInputs).tensors['static_text'] = vectors
    loss = make_loss('context', guide_by='static_text', temperature=0.3)
    found = loss(outputs, make_targets())
    words = F.normalize(loss.project_words(words_with(outputs, 1)), dim=1)
    total = 0.0
    for row, video in enumerate(ROWS):
        frames = outputs.features.raw_video.feat[video][inside(row, 8)]
        weight = (F.cosine_similarity(frames, vectors[row], dim=1) / 0.3).softmax(0)
        total += 1 - words[row] @ F.normalize(loss.project_video(weight @ frames), dim=0)
    torch.testing.assert_close(found, total / 3)


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('context', dict(form='both'), "form='both'"),
        ('context', dict(distance='kl'), "with form='consistent': distance='kl'"),
        ('dynamics', dict(distance='cosine'), "with form='relational': distance='cosine'"),
        ('context', dict(inject='verbs'), "inject='verbs'"),
        ('context', dict(where='shot'), "where='shot'"),
        ('dynamics', dict(response='sigmoid'), "response='sigmoid'"),
        ('context', dict(space='other'), "space='other'"),
        ('dynamics', dict(form='consistent', projection='none'), 'text tokens have 6 channels and the video side 8'),
    ],
)
def test_impossible_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_loss(name, **options)


@pytest.mark.parametrize(
    ('name', 'missing', 'transform', 'options'),
    [
        ('context', 'roles', 'SplitQuery', {}),
        ('dynamics', 'patches', 'LoadPatches', {}),
        ('context', 'static_text', 'LoadStaticQuery', dict(guide_by='static_text')),
    ],
)
def test_missing_inputs_are_named(name, missing, transform, options):
    outputs = make_outputs()
    outputs.memory.find(ExtraInputs).tensors.pop(missing, None)
    with pytest.raises(ValueError, match=f"need the input '{missing}': add the transform {transform} to"):
        make_loss(name, **options)(outputs, make_targets())


def test_patches_of_another_grid():
    with pytest.raises(ValueError, match=r'frames have 9 patches, losses\.spatial_dynamic\.num_patches=4'):
        make_loss('dynamics')(make_outputs(patches=9), make_targets())


@pytest.mark.parametrize('kind', [ResponseTransformer, ResponseGRU])
def test_encoders_read_only_frames_that_count_in_their_order(kind):
    torch.manual_seed(0)
    encoder = kind(num_patches=4, dims=8)
    maps, mask = torch.rand(2, 6, 4), torch.tensor([[1, 1, 0, 0, 1, 0], [0, 1, 1, 1, 1, 1]]).bool()
    found = encoder(maps, mask)
    for row in range(2):
        alone = maps[row, mask[row]].unsqueeze(0)
        torch.testing.assert_close(found[row : row + 1], encoder(alone, torch.ones(alone.shape[:2]).bool()))
    backwards = encoder(maps.flip(1), mask.flip(1))
    assert not torch.allclose(backwards, found, atol=1e-3), 'movement has a direction'


def test_equal_responses_stay_finite():
    assert torch.equal(normalise_responses(torch.full((2, 4), 0.3), 'minmax', 1.0), torch.zeros(2, 4))
    assert math.isclose(normalise_responses(torch.rand(4), 'softmax', 0.1).sum().item(), 1, abs_tol=1e-6)
