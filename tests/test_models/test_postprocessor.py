"""From normalised spans to windows in seconds."""

import math

import pytest
import torch

from mmvmr.models import MomentPostProcessor, PointPostProcessor
from mmvmr.structures import MomentDataSample, PointPredictions, PredictionSet


class _Outputs:
    def __init__(self, spans, scores, saliency=None):
        logits = torch.stack((scores, torch.zeros_like(scores)), dim=-1)
        self.final = PredictionSet('direct', spans, final=True, logits=logits, quality=scores.sigmoid())
        self.saliency = saliency
        self.existence = None


def _sample(duration=30.9, num_clips=30, clip_len=1.0):
    return MomentDataSample(metainfo=dict(qid=1, duration=duration, num_clips=num_clips, clip_len=clip_len))


def _windows(spans, scores, sample=None, saliency=None, **options):
    outputs = _Outputs(torch.tensor([spans]), torch.tensor([scores]), saliency)
    return MomentPostProcessor(**options)(outputs, [sample or _sample()])[0]


def test_windows_invert_the_targets():
    window, clips = torch.tensor([12.0, 21.0]), 30
    span = torch.stack(((window.sum() / 2), window[1] - window[0])) / clips  # as BuildMomentTargets makes them
    found = _windows([span.tolist()], [0.0]).pred_instances.windows
    torch.testing.assert_close(found, window.double()[None], atol=1e-4, rtol=0)


def test_published_code_scales_with_the_duration():
    found = _windows([[0.5, 0.2]], [0.0], scale='duration').pred_instances.windows
    torch.testing.assert_close(found, torch.tensor([[12.36, 18.54]], dtype=torch.float64), atol=1e-4, rtol=0)


def test_best_first_and_cut():
    sample = _windows([[0.2, 0.1], [0.7, 0.1], [0.5, 0.1]], [0.1, 2.0, 1.0], max_predictions=2)
    assert sample.pred_instances.scores.tolist() == pytest.approx([0.8808, 0.7311])
    assert sample.pred_instances.windows[:, 0].tolist() == pytest.approx([19.5, 13.5], abs=1e-3)
    assert sample.pred_instances.spans[0].tolist() == pytest.approx([0.7, 0.1])


@pytest.mark.parametrize('clamp', [[150, 0], [5, 5], [0, 1, 2]])
def test_limits_in_order(clamp):
    with pytest.raises(ValueError, match=r'postprocessor\.clamp=\[.*expected \(low, high\) seconds with low < high'):
        MomentPostProcessor(clamp=clamp)


def test_clamp_and_round():
    spans = [[0.98, 0.2]]
    assert _windows(spans, [0.0]).pred_instances.windows[0, 1] == pytest.approx(30.9)
    assert _windows(spans, [0.0], clamp=(0, 20)).pred_instances.windows[0].tolist() == [20, 20]
    assert _windows(spans, [0.0], clamp=None).pred_instances.windows[0, 1] == pytest.approx(32.4)
    # Half to even, as torch.round and the published code: 26.4 / 2 = 13.2 -> 26, 30.9 / 2 = 15.45 -> 30.
    assert _windows(spans, [0.0], round_to=2.0).pred_instances.windows[0].tolist() == [26, 30]


def test_quality_ranks():
    assert _windows([[0.5, 0.1]], [0.0], score='quality').pred_instances.scores.tolist() == [0.5]


def test_saliency_is_cut_to_the_clips():
    saliency = torch.arange(40.0)[None] / 3
    assert torch.equal(_windows([[0.5, 0.1]], [0.0], saliency=saliency).pred_saliency, saliency[0, :30])
    halved = _windows([[0.5, 0.1]], [0.0], saliency=saliency, half_saliency=True).pred_saliency
    assert torch.equal(halved, saliency[0, :30].half().float())


def _of_set(spans, sample=None, processor=MomentPostProcessor, saliency=None, options=None, **fields):
    outputs = _Outputs(torch.tensor([spans]), torch.zeros(1, len(spans)), saliency)
    outputs.final = PredictionSet('direct', torch.tensor([spans]), final=True, **fields)
    return processor(**options or {})(outputs, [sample or _sample(10.0, 10, 1.0)])[0].pred_instances


def test_probability_of_two_logits_and_of_one():
    two = torch.tensor([[[math.log(3), 0.0], [0.0, math.log(4)]]])  # 3/4 and 1/5
    assert _of_set([[0.2, 0.2], [0.5, 0.2]], logits=two).scores.tolist() == [0.75, 0.2]
    one = torch.tensor([[[math.log(4)], [math.log(9)]]])  # 4/5 and 9/10
    found = _of_set([[0.2, 0.2], [0.5, 0.2]], logits=one)
    assert found.scores.tolist() == [0.9, 0.8]
    assert found.windows.tolist() == [[4.0, 6.0], [1.0, 3.0]]


def test_predictions_that_do_not_exist_are_left_out():
    quality = torch.tensor([[0.3, 0.9, 0.5]])
    found = _of_set(
        [[0.2, 0.2], [0.5, 0.2], [0.8, 0.2]],
        quality=quality,
        mask=torch.tensor([[True, False, True]]),
        options=dict(score='quality'),
    )
    assert found.scores.tolist() == [0.5, 0.3]
    assert found.windows.tolist() == [[7.0, 9.0], [1.0, 3.0]]


def test_equal_scores_keep_their_order():
    found = _of_set(
        [[0.2, 0.2], [0.5, 0.2], [0.8, 0.2]], quality=torch.full((1, 3), 0.5), options=dict(score='quality')
    )
    assert found.windows[:, 0].tolist() == [1.0, 4.0, 7.0]


def test_limits_of_windows():
    spans, logits = [[0.1, 0.4]], torch.zeros(1, 1, 2)
    assert _of_set(spans, logits=logits).windows.tolist() == [[0.0, 3.0]]
    assert _of_set(spans, logits=logits, options=dict(clamp=None)).windows.tolist() == [[-1.0, 3.0]]
    assert _of_set(spans, logits=logits, options=dict(clamp=(1, 2))).windows.tolist() == [[1.0, 2.0]]
    # Seconds by the annotated length, which may be more than the clips cover, and may be bounded.
    long = _sample(20.0, 10, 1.0)
    scaled = dict(scale='duration', clamp=None)
    assert _of_set(spans, long, logits=logits, options=scaled).windows.tolist() == [[-2.0, 6.0]]
    assert _of_set(spans, long, logits=logits, options={**scaled, 'longest': 10}).windows.tolist() == [[-1.0, 3.0]]
    assert _of_set(spans, long, logits=logits, options={**scaled, 'longest': 30}).windows.tolist() == [[-2.0, 6.0]]


def test_decimals():
    quality, options = torch.tensor([[0.123456]]), dict(score='quality')
    found = _of_set([[0.5, 1 / 3]], quality=quality, options=options)
    assert found.windows.tolist() == [[3.3333, 6.6667]] and found.scores.tolist() == [0.1235]
    found = _of_set([[0.5, 1 / 3]], quality=quality, options={**options, 'decimals': 1})
    assert found.windows.tolist() == [[3.3, 6.7]] and found.scores.tolist() == [0.1]
    found = _of_set([[0.5, 1 / 3]], quality=quality, options={**options, 'decimals': None})
    assert found.scores.item() == pytest.approx(0.123456, abs=1e-7) and found.windows.dtype == torch.float32


def test_rounding_goes_to_the_nearest_multiple():
    # 3.3333 and 6.6667 in steps of 0.5.
    found = _of_set([[0.5, 1 / 3]], logits=torch.zeros(1, 1, 2), options=dict(round_to=0.5))
    assert found.windows.tolist() == [[3.5, 6.5]]


def test_suppression_runs_last():
    """(1, 5) and (2, 5) overlap by 0.75: the worse falls from 0.8 to 0.2 and behind the third."""
    spans = [[0.3, 0.4], [0.35, 0.3], [0.8, 0.2]]
    nms = dict(type='SoftNMS', decay='linear')
    found = _of_set(spans, quality=torch.tensor([[0.9, 0.8, 0.5]]), options=dict(score='quality', nms=nms))
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert found.windows.tolist() == [[1.0, 5.0], [7.0, 9.0], [2.0, 5.0]]
    torch.testing.assert_close(found.spans, torch.tensor([spans[0], spans[2], spans[1]]))


@pytest.mark.parametrize(('score', 'head'), [('quality', 'quality'), ('foreground', 'logits')])
def test_a_missing_score_is_named(score, head):
    with pytest.raises(ValueError, match=f"score='{score}' needs model.moment_head.{head}"):
        _of_set([[0.5, 0.2]], options=dict(score=score))


def _points(options, prior=None, spans=((0.3, 0.4), (0.35, 0.3), (0.8, 0.2), (0.6, 0.04))):
    """Points of foreground probability 0.9, 0.8, 0.5 and 0.75, 20 positions in a video of 10 s."""
    logits = torch.tensor([[math.log(9), math.log(4), 0.0, math.log(3)]])[..., None]
    prior = None if prior is None else torch.tensor([prior])
    extras = (PointPredictions(torch.tensor([[0.05]]), prior=prior),)
    found = _of_set(
        [list(span) for span in spans], logits=logits, extras=extras, options=options, processor=PointPostProcessor
    )
    return found.windows.tolist(), found.scores.tolist()


def test_points_become_windows():
    windows, scores = _points(dict())
    assert windows == [[1.0, 5.0], [2.0, 5.0], [5.8, 6.2], [7.0, 9.0]]
    assert scores == [0.9, 0.8, 0.75, 0.5]


@pytest.mark.parametrize(
    ('options', 'kept'),
    [
        (dict(min_score=0.5), [0.9, 0.8, 0.75]),  # more than this
        (dict(min_score=0.76), [0.9, 0.8]),
        (dict(pre_topk=3), [0.9, 0.8, 0.75]),
        (dict(min_width=1.0), [0.9, 0.8, 0.5]),  # one position is 0.05 and the span 0.04 long
        (dict(max_predictions=2), [0.9, 0.8]),
        (dict(nms=dict(type='HardNMS', threshold=0.5)), [0.9, 0.75, 0.5]),
        (dict(nms=dict(type='HardNMS', threshold=0.5), max_predictions=2), [0.9, 0.75]),
    ],
)
def test_options_of_points(options, kept):
    assert _points(options)[1] == kept


def test_points_vote():
    """(1, 5) and (2, 5), IoU 0.75, meet at (0.9 x 1 + 0.8 x 2) / 1.7 = 1.4706."""
    options = dict(nms=dict(type='HardNMS', threshold=0.5), vote=dict(type='SegmentVoting', threshold=0.7))
    windows, scores = _points({**options, 'max_predictions': 1})
    assert windows == [[1.4706, 5.0]] and scores == [0.9]


def test_a_prior_multiplies_the_scores():
    windows, scores = _points(dict(), prior=[0.1, 1.0, 1.0, 1.0])
    assert scores == [0.8, 0.75, 0.5, 0.09]
    assert windows[-1] == [1.0, 5.0]


def test_a_prior_of_what_does_not_exist():
    spans, extras = [[0.2, 0.2], [0.5, 0.2]], (PointPredictions(torch.tensor([[0.05]]), prior=torch.ones(1, 2)),)
    fields = dict(logits=torch.zeros(1, 2, 1), mask=torch.tensor([[True, False]]), processor=PointPostProcessor)
    assert _of_set(spans, extras=extras, **fields).windows.tolist() == [[1.0, 3.0]]
    with pytest.raises(ValueError, match=r'^PointPostProcessor needs PointPredictions'):
        _of_set(spans, **fields)


def test_candidates_can_be_chosen_twice():
    """Windows of a video are reduced one by one and then all together: the second time changes nothing."""
    processor = PointPostProcessor(min_score=0.5, pre_topk=2)
    logits = torch.tensor([[math.log(9), math.log(4), 0.0, math.log(3)]])[..., None]
    extras = (PointPredictions(torch.tensor([[0.05]]), prior=torch.tensor([[1.0, 1.0, 1.0, 2.0]])),)
    spans = torch.tensor([[[0.3, 0.4], [0.35, 0.3], [0.8, 0.2], [0.6, 0.04]]])
    once = processor.reduce(PredictionSet('point', spans, final=True, logits=logits, extras=extras))
    assert once.final and once.name == 'point'
    torch.testing.assert_close(once.spans, spans[:, [3, 0]])  # 0.75 x 2 and 0.9
    twice = processor.reduce(once)
    assert torch.equal(twice.spans, once.spans) and torch.equal(twice.mask, once.mask)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(score='best'), r"^postprocessor: score='best' is unknown, expected 'foreground' or 'quality'$"),
        (dict(scale='seconds'), r"^postprocessor: scale='seconds' is unknown, expected 'clips' or 'duration'$"),
        (dict(clamp='video'), "clamp='video' is unknown"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(ValueError, match=message):
        MomentPostProcessor(**options)


def test_what_suppression_drops_votes():
    """Of (0, 4), (1, 5) and (7, 9) in ten seconds the second is dropped and counts as much as the first: (0.5, 4.5)."""
    spans = [[0.2, 0.4], [0.3, 0.4], [0.8, 0.2]]
    options = dict(
        score='quality', nms=dict(type='HardNMS', threshold=0.5), vote=dict(type='SegmentVoting', threshold=0.5)
    )
    made = _windows(spans, [1.0, 1.0, 0.0], _sample(10.0, 10), **options).pred_instances
    expected = torch.tensor([[0.5, 4.5], [7.0, 9.0]], dtype=torch.float64)
    torch.testing.assert_close(made.windows, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(made.spans.double(), torch.tensor([[0.25, 0.4], [0.8, 0.2]]).double())
