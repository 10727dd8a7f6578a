"""Noise groups and dynamic anchors."""

import pytest
import torch
from mmengine.logging import MessageHub
from testing import make_targets
from testing.models import EMBED_DIMS as DIMS
from testing.models import MOMENTS

from mmvmr.models import DualPathQueryInitializer, DynamicAnchorQueryInitializer, NoiseQueryGenerator, QualityMarginLoss
from mmvmr.models.query_initializers import add_noise
from mmvmr.models.task_modules import HungarianAssigner
from mmvmr.structures import DenoisingPairs, Memory, PredictionSet, Tokens, to_start_end

DIRECT = dict(type='LearnedAnchorQueryInitializer', num_queries=4, embed_dims=DIMS)


def memory(batch=4, **fields):
    tokens = Tokens(torch.randn(batch, 5, DIMS), torch.ones(batch, 5, dtype=torch.bool))
    return Memory(video=tokens, context=tokens, **fields)


def dual(**noise):
    noise = dict(dict(type='NoiseQueryGenerator', embed_dims=DIMS, num_groups=2), **noise)
    return DualPathQueryInitializer(DIRECT, noise)


@pytest.mark.parametrize('center_noise', ['center', 'width'])
@pytest.mark.parametrize(('low', 'high'), [(0.0, 0.2), (0.2, 0.6)])
def test_noise_stays_between_the_scales(center_noise, low, high):
    torch.manual_seed(0)
    spans = torch.tensor([0.4, 0.2]).repeat(20000, 1)  # far from the edges: nothing is cut
    noised = add_noise(spans, low, high, center_noise)
    reach = torch.tensor([0.2 if center_noise == 'center' else 0.1, 0.2])
    ratio = (noised - spans) / reach
    assert ratio.abs().min() >= low - 1e-4
    assert ratio.abs().max() <= high + 1e-4
    # Uniform over both signs: the mean vanishes, and the magnitude has the mean of its interval.
    assert ratio.mean(0).abs().max() < 0.02
    torch.testing.assert_close(ratio.abs().mean(0), torch.full((2,), (low + high) / 2), atol=0.01, rtol=0)


@pytest.mark.parametrize('center_noise', ['center', 'width'])
def test_noised_spans_are_valid_at_the_edges(center_noise):
    torch.manual_seed(0)
    spans = torch.rand(5000, 2)
    spans[:4] = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0], [1.0, 1e-5]])
    noised = add_noise(spans, 0.2, 0.6, center_noise)
    assert noised[:, 1].min() > 5e-4
    assert to_start_end(noised).min() >= -1e-6
    assert to_start_end(noised).max() <= 1 + 1e-6


@pytest.mark.parametrize('contrastive', ['none', 'fixed'])
def test_groups_targets_and_masks(contrastive):
    targets = make_targets()
    queries = dual(contrastive=contrastive)(memory(), targets)
    direct, noise = queries.groups
    most, copies = max(MOMENTS), 1 if contrastive == 'none' else 2
    assert (direct.name, direct.start, direct.stop) == ('direct', 0, 4)
    assert (noise.name, noise.start, noise.stop) == ('noise', 4, 4 + 2 * copies * most)
    assert queries.content.shape[1] == queries.anchors.shape[1] == noise.stop
    assert (queries.content[:, 4:] == 1).all()
    index = 0
    for group in range(2):
        for copy in range(copies):
            for span in range(most):
                for b, count in enumerate(MOMENTS):
                    exists = span < count
                    assert noise.mask[b, index] == exists
                    assert noise.matched_gt[b, index] == (span if exists and copy == 0 else -1)
                    paired = exists and copy == 0 and copies == 2
                    assert noise.find(DenoisingPairs).negative[b, index] == (index + most if paired else -1)
                    for other in range(noise.stop):
                        same = other >= 4 and (other - 4) // (copies * most) == group
                        seen = other < 4 or (same and bool(noise.mask[b, other - 4]))
                        assert queries.attn_mask[b, 4 + index, other] == seen
                index += 1
    assert not queries.attn_mask[:, :4, 4:].any()
    assert queries.attn_mask[:, :4, :4].all()


def test_positive_and_negative_copies_keep_their_distance():
    torch.manual_seed(0)
    targets = make_targets(clips=(13, 13), moments=(3, 2), seed=3)
    targets.spans[..., 0], targets.spans[..., 1] = 0.4, 0.2
    queries = dual(num_groups=50)(memory(2), targets)
    anchors = queries.anchors[:, 4:].view(2, 50, 2, 3, 2)
    ratio = (anchors - targets.spans[:, None, None]) / torch.tensor([0.2, 0.2])
    assert ratio[:, :, 0].abs().max() <= 0.2 + 1e-4
    assert ratio[:, :, 1].abs().min() >= 0.2 - 1e-4
    assert ratio[:, :, 1].abs().max() <= 0.6 + 1e-4


def test_course_learning_shrinks_the_margin():
    generator = NoiseQueryGenerator(DIMS, contrastive='course')
    hub = MessageHub.get_current_instance()
    hub.update_info('max_iters', 100)
    scales = []
    for iteration in (0, 50, 100):
        hub.update_info('iter', iteration)
        scales.append(generator.current_negative_scale())
    assert scales == pytest.approx([0.6, 0.4, 0.2])
    assert NoiseQueryGenerator(DIMS).current_negative_scale() == 0.6


def test_noise_exists_only_in_training_with_targets():
    initializer = dual()
    assert len(initializer(memory()).groups) == 1
    assert len(initializer.eval()(memory(), make_targets()).groups) == 1
    assert len(initializer.train()(memory(), make_targets()).groups) == 2
    assert len(DualPathQueryInitializer(DIRECT)(memory(), make_targets()).groups) == 1


def test_a_batch_without_moments_keeps_the_parameters_in_the_graph():
    initializer = dual()
    queries = initializer(memory(2), make_targets(clips=(6, 5), moments=(0, 0)))
    assert not queries.groups[1].mask.any()
    queries.content.sum().backward()
    assert initializer.noise.content.grad is not None


def test_the_assigner_reads_the_known_targets():
    targets = make_targets()
    queries = dual()(memory(), targets)
    noise = queries.groups[1]
    predictions = PredictionSet('noise', queries.anchors[:, 4:], matched_gt=noise.matched_gt, mask=noise.mask)
    (matched,) = HungarianAssigner(costs={})([predictions], targets)
    assert len(matched.batch) == 2 * sum(MOMENTS)
    for b, query, gt, span in zip(matched.batch, matched.query, matched.gt, matched.spans):
        assert query % (2 * max(MOMENTS)) == gt
        assert (span == targets.spans[b, gt]).all()


def test_quality_margin_equals_the_loop():
    targets = make_targets()
    queries = dual()(memory(), targets)
    noise = queries.groups[1]
    quality = torch.rand(noise.mask.shape, generator=torch.Generator().manual_seed(0))
    predictions = PredictionSet('noise', queries.anchors[:, 4:], quality=quality, extras=noise.extras)
    found = QualityMarginLoss(margin=0.4)(predictions, None, targets)
    hinges = []
    for b, count in enumerate(MOMENTS):
        for group in range(2):
            for span in range(count):
                first = group * 2 * max(MOMENTS) + span
                hinges.append(max(quality[b, first + max(MOMENTS)] - quality[b, first] + 0.4, 0))
    assert found.item() == pytest.approx(float(sum(hinges)) / len(hinges), rel=1e-5)


def test_quality_margin_without_negatives_is_zero():
    targets = make_targets()
    queries = dual(contrastive='none')(memory(), targets)
    quality = torch.rand(queries.groups[1].mask.shape, requires_grad=True)
    predictions = PredictionSet('noise', queries.anchors[:, 4:], quality=quality, extras=queries.groups[1].extras)
    loss = QualityMarginLoss()(predictions, None, targets)
    loss.backward()
    assert loss.item() == 0
    assert quality.grad.abs().sum() == 0


@pytest.mark.parametrize(
    ('option', 'match'),
    [
        (dict(contrastive='some'), 'contrastive'),
        (dict(center_noise='start'), 'center_noise'),
        (dict(positive_scale=0.7), 'positive_scale'),
    ],
)
def test_bad_options_are_refused(option, match):
    with pytest.raises(ValueError, match=match):
        NoiseQueryGenerator(DIMS, **option)


def test_noise_needs_anchors():
    direct = dict(type='LearnedQueryInitializer', num_queries=4, embed_dims=DIMS)
    noise = dict(type='NoiseQueryGenerator', embed_dims=DIMS)
    with pytest.raises(ValueError, match='anchors'):
        DualPathQueryInitializer(direct, noise)(memory(), make_targets())


def test_dynamic_anchors_take_the_best_token_that_there_is():
    initializer = DynamicAnchorQueryInitializer(4, DIMS)
    fusion, overall = torch.randn(4, DIMS), torch.randn(4, DIMS)
    source = memory()
    for given, token in (
        (dict(fusion_token=fusion, global_token=overall), fusion),
        (dict(global_token=overall), overall),
        ({}, source.video.feat.mean(1)),
    ):
        queries = initializer(Memory(source.video, source.context, **given))
        expected = initializer.mlp(token).sigmoid().view(4, 4, 2)
        torch.testing.assert_close(queries.anchors, expected)
        assert [s.name for s in queries.init_sets] == ['init']
        assert queries.init_sets[0].spans is queries.anchors
        assert (queries.content == 0).all()


def test_supervision_and_detachment_of_dynamic_anchors():
    assert DynamicAnchorQueryInitializer(4, DIMS, supervise_init=False)(memory()).init_sets == []
    queries = DynamicAnchorQueryInitializer(4, DIMS, detach=True)(memory())
    assert not queries.anchors.requires_grad
    assert queries.init_sets[0].spans.requires_grad
    with pytest.raises(ValueError, match='detach'):
        DynamicAnchorQueryInitializer(4, DIMS, supervise_init=False, detach=True)
