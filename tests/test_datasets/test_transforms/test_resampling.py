"""Clips that a model gets longer, shorter or fewer: ratings and predicted saliency stay at their seconds."""

import numpy as np
import pytest
import torch

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.evaluation.metrics.query_metric import prediction_row

#: Clips of 2 s, rated from 6 to 18 s.
RATED = dict(relevant_clip_ids=[3, 4, 5, 6, 7, 8], saliency_scores=[[1], [2], [3], [4], [3], [2]])
TARGETS = dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'))
RESAMPLED = dict(load=dict(type='LoadResampledFeatures', length=8))
POOL = dict(type='PoolClips', max_clips=8)

#: Clips of 3 s: the third, from 9 to 12 s, is of rated clips 4 and 5, and the fifth of 7 and 8.
OF_THREE_SECONDS = {2: 1, 3: 2.5, 4: 4, 5: 2.5}


@pytest.fixture
def build(make_dataset):
    """One video of 12 clips with a single feature, their number."""

    def make(pipeline, duration=24.0, **changes):
        row = dict(qid=0, vid='v', query='x', duration=duration, relevant_windows=[[6.0, 18.0]], **{**RATED, **changes})
        spec = dict(streams=dict(a=dict(dim=1, normalise='none')), clip_len=2.0)
        arrays = {'a/v': np.arange(12, dtype=np.float32)[:, None]}
        return make_dataset([row], dict(targets=TARGETS, **pipeline), spec, arrays)

    return make


def _ratings(sample):
    return {int(clip): float(sample.gt_saliency[clip]) for clip in sample.gt_saliency.nonzero()}


@pytest.mark.parametrize(
    ('pipeline', 'duration', 'clips', 'expected'),
    [
        (RESAMPLED, 24.0, 8, OF_THREE_SECONDS),
        (dict(augment=dict(pool=POOL)), 24.0, 8, OF_THREE_SECONDS),
        (dict(pool=POOL), 24.0, 8, OF_THREE_SECONDS),
        (dict(pool=dict(type='ResampleClips', length=8)), 24.0, 8, OF_THREE_SECONDS),
        # 4 s: 4 to 8, 8 to 12, ...
        (dict(load=dict(type='LoadResampledFeatures', step=2)), 24.0, 6, {1: 1, 2: 2.5, 3: 3.5, 4: 2}),
        # 1 s
        (
            dict(load=dict(type='LoadResampledFeatures', length=24)),
            24.0,
            24,
            {6: 1, 7: 1, 8: 2, 9: 2, 10: 3, 11: 3, 12: 4, 13: 4, 14: 3, 15: 3, 16: 2, 17: 2},
        ),
        # All clips together last as long as the video: 3 s each.
        (dict(load=dict(type='LoadMomentFeatures', clip_time='duration')), 36.0, 12, OF_THREE_SECONDS),
        (dict(load=dict(type='LoadResampledFeatures', clip_time='duration', length=6)), 18.0, 6, OF_THREE_SECONDS),
        # Twice: clips of 3 s, then of 4 s: 1 at its middle of 7.5 s, 2.5 (of 10.5), 4 at 13.5 and 2.5 at 16.5 s.
        ({**RESAMPLED, 'pool': dict(type='ResampleClips', length=6)}, 24.0, 6, {1: 1, 2: 2.5, 3: 4, 4: 2.5}),
        (dict(load=dict(type='LoadMomentFeatures')), 24.0, 12, {3: 1, 4: 2, 5: 3, 6: 4, 7: 3, 8: 2}),
    ],
)
def test_ratings_are_those_of_the_time_of_a_clip(build, pipeline, duration, clips, expected):
    sample = build(pipeline, duration)[0]['data_samples']
    assert len(sample.gt_saliency) == clips
    assert _ratings(sample) == expected
    (best, inside), (worst, outside) = sample.gt_pairs.tolist()
    assert expected[best] == 4 if 4 in expected.values() else 3.5
    assert expected[worst] == 1 and inside in expected and outside not in expected


def test_ratings_follow_views_of_resampled_clips(build):
    """The moment of the view is where its clips are: clips 2 to 5 of 8, one after the other."""
    pipeline = {**RESAMPLED, 'augment': dict(shift=dict(type='ShiftMoment'))}
    view = build(pipeline)[0]['views']['shift']
    ratings = _ratings(view['data_samples'])
    first = min(ratings)
    assert {clip - first: rating for clip, rating in ratings.items()} == {0: 1, 1: 2.5, 2: 4, 3: 2.5}
    window = view['data_samples'].relevant_windows
    assert window == [[3.0 * first, 3.0 * first + 12.0]]


@pytest.mark.parametrize(
    ('pipeline', 'duration', 'expected'),
    [
        (RESAMPLED, 24.0, [0, 0.5, 1, 2, 2.5, 3, 4, 4.5, 5, 6, 6.5, 7]),
        (dict(load=dict(type='LoadResampledFeatures', step=5)), 24.0, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]),
        (dict(load=dict(type='LoadMomentFeatures', clip_time='duration')), 12.0, [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]),
        (dict(load=dict(type='LoadMomentFeatures')), 24.0, list(range(12))),
    ],
)
def test_predictions_are_those_of_the_clips_of_the_annotation(build, pipeline, duration, expected):
    """The saliency of a clip is its number in the model."""
    sample = build(pipeline, duration)[0]['data_samples']
    sample.pred_saliency = torch.arange(float(len(sample.gt_saliency)))
    assert prediction_row(sample.to_dict())['pred_saliency_scores'] == expected


@pytest.mark.parametrize('pipeline', [RESAMPLED, dict(pool=POOL), dict(load=dict(type='LoadMomentFeatures'))])
def test_who_predicts_the_ratings_has_all_points(build, pipeline):
    dataset = build(pipeline, saliency_scores=[[4, 4, 4]] * 6)
    sample = dataset[0]['data_samples']
    sample.pred_saliency = sample.gt_saliency
    figures = evaluate_predictions([prediction_row(sample.to_dict())], dataset.rows, 'qvhighlights')['brief']
    assert figures['HL-min-VeryGood-mAP'] == 100.0 and figures['HL-min-VeryGood-Hit1'] == 100.0
