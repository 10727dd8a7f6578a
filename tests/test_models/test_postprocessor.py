"""From normalised spans to windows in seconds."""

import pytest
import torch

from mmvmr.models import MomentPostProcessor
from mmvmr.structures import MomentDataSample, PredictionSet


class _Outputs:
    def __init__(self, spans, scores, saliency=None):
        logits = torch.stack((scores, torch.zeros_like(scores)), dim=-1)
        self.final = PredictionSet('direct', spans, final=True, logits=logits, quality=scores.sigmoid())
        self.saliency = saliency


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


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(score='best'), "score='best' is unknown"),
        (dict(scale='seconds'), "scale='seconds' is unknown"),
        (dict(clamp='video'), "clamp='video' is unknown"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(ValueError, match=message):
        MomentPostProcessor(**options)
