"""Every figure by hand: windows in seconds and clips of 2 s, few enough to count."""

import math

import numpy as np
import pytest
from test_eval_metrics import data_samples, run

from mmvmr.evaluation.functional import (
    ClipLabelRule,
    clip_label_average_precision,
    evaluate_highlights,
    evaluate_moments,
    evaluate_predictions,
    trapezoid_average_precision,
)
from mmvmr.evaluation.functional.highlight import HighlightBatch, highlight_average_precision, hit_at_one
from mmvmr.evaluation.functional.moment import MomentBatch, hull_iou, pairwise_iou


def test_overlap():
    a, b = np.array([[0.0, 4.0], [0.0, 10.0]]), np.array([[2.0, 6.0], [2.0, 4.0], [6.0, 8.0]])
    np.testing.assert_allclose(pairwise_iou(a, b), [[1 / 3, 0.5, 0.0], [0.4, 0.2, 0.2]])
    np.testing.assert_allclose(hull_iou(np.repeat(a[:1], 3, axis=0), b), [1 / 3, 0.5, 0.0])
    np.testing.assert_allclose(hull_iou(np.array([[1.0, 1.0]]), np.array([[1.0, 1.0]])), [0.0])


@pytest.mark.parametrize(
    ('predictions', 'expected'),
    [
        ([[0, 10, 0.9], [20, 30, 0.8]], 1.0),
        ([[0, 10, 0.9], [50, 60, 0.8], [20, 30, 0.7]], (1 + 2 / 3) / 2),
        ([[50, 60, 0.9], [0, 10, 0.8], [20, 30, 0.7]], 2 / 3),  # precision 1/2, then 2/3, which counts for both
        ([[50, 60, 0.9], [0, 10, 0.8]], 0.25),
        ([[0, 10, 0.9], [0, 10, 0.8], [20, 30, 0.7]], (1 + 2 / 3) / 2),  # a moment is found once
        ([[20, 30, 0.7], [50, 60, 0.8], [0, 10, 0.9]], (1 + 2 / 3) / 2),  # by score, not by place
        ([[0, 5, 0.9], [20, 24, 0.8]], 0.5),  # IoU 0.5 counts, 0.4 does not
        ([], 0.0),
    ],
)
def test_average_precision_of_two_moments(predictions, expected):
    batch = MomentBatch.from_lists([predictions], [[[0, 10], [20, 30]]], 10)
    assert batch.average_precision([0.5])[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('predictions', 'expected'),
    [
        ([[0, 10, 0.9]], 1.0),
        ([[50, 60, 0.9], [0, 10, 0.8]], 0.5),
        ([[50, 60, 0.9], [40, 50, 0.85], [0, 10, 0.8], [0, 10, 0.7]], 1 / 3),
        ([[50, 60, 0.9]], 0.0),
    ],
)
def test_average_precision_of_one_moment(predictions, expected):
    batch = MomentBatch.from_lists([predictions], [[[0, 10]]], 10)
    assert batch.average_precision([0.5])[0, 0] == pytest.approx(expected)


def test_the_best_window_is_taken_first():
    """Of several moments that a prediction overlaps enough it takes the one of highest IoU."""
    truth = [[[0, 10], [2, 10]]]
    batch = MomentBatch.from_lists([[[2, 10, 0.9], [0, 10, 0.8]]], truth, 10)
    assert batch.average_precision([0.5, 0.75, 0.9]).tolist() == [[1.0, 1.0, 1.0]]
    # Both near the second one: at 0.75 each finds one, at 0.9 the second finds nothing.
    batch = MomentBatch.from_lists([[[2, 10, 0.9], [2, 10, 0.8]]], truth, 10)
    assert batch.average_precision([0.75, 0.9]).tolist() == [[1.0, 0.5]]


def test_overlap_at_a_rank():
    """The first two predictions reach 0.2 and 0.5, the third 1; the second query has one prediction only."""
    predictions = [[[0, 2, 0.1], [0, 5, 0.9], [0, 10, 0.5]], [[4, 10, 0.3]]]
    batch = MomentBatch.from_lists(predictions, [[[0, 10], [80, 90]], [[0, 10]]], 10)
    assert batch.rank_iou(1).tolist() == [0.2, 0.6]
    assert batch.rank_iou(2).tolist() == [0.5, 0.6]
    assert batch.rank_iou(5).tolist() == [1.0, 0.6]
    assert MomentBatch.from_lists(predictions, [[[0, 10]], [[0, 10]]], 2).rank_iou(5).tolist() == [0.5, 0.6]


def test_ranges_keep_windows_of_their_length():
    batch = MomentBatch.from_lists([[], [], []], [[[0, 10], [0, 10.5]], [[0, 30]], [[0, 31]]], 10)
    assert batch.counted((0, 10)).tolist() == [True, False, False]
    assert batch.counted((10, 30)).tolist() == [True, True, False]
    assert batch.counted(None).tolist() == [True] * 3
    kept = batch.in_range((10, 30))
    assert len(kept) == 2 and kept.gt_mask.sum(axis=1).tolist() == [1, 1]


#: A moment of 10 s found with IoU 0.8, and one of 40 s found as the second of two predictions.
ANNOTATIONS = [
    {'qid': 1, 'duration': 100, 'relevant_windows': [[0, 10]]},
    {'qid': 2, 'duration': 100, 'relevant_windows': [[20, 60]]},
]
PREDICTIONS = [
    {'qid': 1, 'pred_relevant_windows': [[0, 8, 0.9]]},
    {'qid': 2, 'pred_relevant_windows': [[0, 4, 0.9], [20, 60, 0.5]]},
]
#: AP 1 up to the threshold 0.8, seven of ten; AP 1/2 throughout.
MOMENTS = {
    'MR-full-mAP': 60.0,
    'MR-full-mAP@0.5': 75.0,
    'MR-full-mAP@0.75': 75.0,
    'MR-full-mIoU': 40.0,
    'MR-full-R1@0.3': 50.0,
    'MR-full-R1@0.5': 50.0,
    'MR-full-R1@0.7': 50.0,
    'MR-short-mAP': 70.0,
    'MR-long-mAP': 50.0,
    'MR-middle-mAP': math.nan,
}


def test_moments():
    report = evaluate_predictions(PREDICTIONS, ANNOTATIONS)
    assert report['brief'] == pytest.approx(MOMENTS, nan_ok=True)
    assert report['full']['MR-mAP']['0.8'] == 75 and report['full']['MR-mAP']['0.85'] == 25
    assert report['full']['MR-R1']['0.8'] == 50 and report['full']['MR-R1']['0.85'] == 0
    assert report['short']['MR-mIoU'] == 80 and report['long']['MR-mIoU'] == 0
    assert report['reasons']['middle'] == 'no query has a ground-truth moment longer than 10 s and at most 30 s'


def test_recall_at_five_finds_the_second():
    brief = evaluate_predictions(PREDICTIONS, ANNOTATIONS, 'charades')['brief']
    assert brief['MR-full-R5@0.7'] == 100 and brief['MR-full-R1@0.7'] == 50
    nlq = evaluate_predictions(PREDICTIONS, ANNOTATIONS, 'nlq')['brief']
    assert nlq['MR-full-R1@mean'] == 50 and nlq['MR-full-R5@mean'] == 100


def test_the_first_of_the_file_and_the_best_scored():
    """R1 and mIoU take the order of the file, mAP that of the scores."""
    brief = evaluate_moments([[[20, 60, 0.1], [0, 4, 0.9]]], [[[20, 60]]], 'qvhighlights')['brief']
    assert brief['MR-full-R1@0.7'] == 100 and brief['MR-full-mIoU'] == 100 and brief['MR-full-mAP'] == 50


def test_windows_that_end_at_75_seconds():
    """(70, 80) is cut to (70, 75); a query whose moment begins later does not count."""
    report = evaluate_moments([[[70, 75, 1.0]], [[0, 1, 1.0]]], [[[70, 80]], [[75, 90]]], 'charades_cd_bm_detr')
    assert report['brief']['MR-full-mIoU'] == 100 and report['brief']['MR-full-R1@0.7'] == 100


#: Four clips; three annotators rate clips 0 and 2.
HIGHLIGHTS = [
    {'qid': 1, 'duration': 8, 'relevant_clip_ids': [0, 2], 'saliency_scores': [[4, 3, 2], [2, 4, 0]]},
]


@pytest.mark.parametrize(
    ('scores', 'expected'),
    [
        # Very good: clip 0 at rank 1, clip 2 at rank 3, none: (1 + 1/3 + 0) / 3. Good: clip 0; both, (1 + 2/3) / 2;
        # none. Fair: both; both; clip 0.
        ([0.9, 0.8, 0.7, 0.1], {'Fair': (88.89, 100), 'Good': (61.11, 100), 'VeryGood': (44.44, 100)}),
        # Clip 1 first, then 0 and 2: the first at rank 2, both 2/3, and the other at rank 3.
        ([0.8, 0.9, 0.7, 0.1], {'Fair': (61.11, 0), 'Good': (38.89, 0), 'VeryGood': (27.78, 0)}),
        # All equal: one step of four clips. Precision 1/4 or 2/4; HIT@1 takes the first clip.
        ([0.5, 0.5, 0.5, 0.5], {'Fair': (41.67, 100), 'Good': (25.0, 100), 'VeryGood': (16.67, 100)}),
        # A shorter prediction is filled with 0: clip 2 shares ranks 2 and 3 with clip 3.
        ([0.9, -1.0], {'Fair': (88.89, 100), 'Good': (61.11, 100), 'VeryGood': (44.44, 100)}),
        # A longer one is cut, but its best clip is the one that HIT@1 looks at.
        ([0.9, 0.8, 0.7, 0.1, 9.0], {'Fair': (88.89, 0), 'Good': (61.11, 0), 'VeryGood': (44.44, 0)}),
    ],
)
def test_highlights(scores, expected):
    report = evaluate_highlights([scores], HIGHLIGHTS, 'qvhighlights')
    for level, (average_precision, hit) in expected.items():
        figures = report[f'HL-min-{level}']
        assert (figures['HL-mAP'], figures['HL-Hit1']) == (pytest.approx(average_precision, abs=0.006), hit)
        assert report['brief'][f'HL-min-{level}-mAP'] == figures['HL-mAP']
        assert report['brief'][f'HL-min-{level}-Hit1'] == hit


def test_average_precision_of_clips():
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.5, 0.5, 0.2, -np.inf]])
    labels = np.array([[[1, 0], [0, 1], [1, 1], [0, 0]], [[1, 0], [1, 1], [0, 1], [0, 0]]], dtype=bool)
    # Ranks 1 and 3: 1 and 2/3; ranks 2 and 3: 1/2, raised to 2/3, and 2/3. Then two equal clips: both positive, one
    # step of precision 1; one of two and the third: 1/2, raised to 2/3, and 2/3.
    np.testing.assert_allclose(highlight_average_precision(scores, labels), [[5 / 6, 2 / 3], [1.0, 2 / 3]])
    assert highlight_average_precision(scores[:0], labels[:0]).shape == (0, 2)


def test_hit_at_one():
    labels = np.array([[[True, False], [False, False]], [[True, False], [False, False]], [[True, True]] * 2])
    assert hit_at_one(np.array([0, 1, 2]), labels).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ('ranked', 'area'),
    [
        # Recall 1/2 at precision 1 (1/2), then from precision 1/2 to 2/3 over the other half (7/24).
        ([1, 0, 1, 0], 19 / 24),
        ([0, 1], (0 + 1 / 2) / 2),
        ([1, 1, 0], 1.0),
        ([0, 0, 1], (0 + 1 / 3) / 2),
        ([0, 0], 0.0),
    ],
)
def test_area_by_trapezoids(ranked, area):
    assert trapezoid_average_precision(np.array(ranked, dtype=bool)) == pytest.approx(area)


def test_labels_of_every_clip():
    """Ranked 0, 2, 1, 3. Above the lower median 2: clips 0 and 1; not zero: clips 0, 1 and 3."""
    scores, labels = [0.9, 0.5, 0.7, 0.1], [[4], [3], [0], [2]]
    for rule, expected in (
        (ClipLabelRule('above_median'), 19 / 24),
        (ClipLabelRule('nonzero'), 1 / 3 + (1 / 2 + 2 / 3) / 6 + (2 / 3 + 3 / 4) / 6),
        (ClipLabelRule('above_median', top=2), 1.0),
        (ClipLabelRule('nonzero', top=3), 19 / 24),
    ):
        assert clip_label_average_precision([scores], [labels], rule)[0, 0] == pytest.approx(expected)
    # What a shorter prediction does not reach does not take part, and what is too much is cut.
    rule = ClipLabelRule('nonzero')
    assert clip_label_average_precision([[0.1, 0.9]], [[[4], [0], [3]]], rule)[0, 0] == pytest.approx(0.25)
    assert clip_label_average_precision([[0.9, 0.1, 5.0]], [[[4], [0]]], rule)[0, 0] == 1
    report = evaluate_predictions(
        [{'qid': 1, 'pred_saliency_scores': scores}],
        [{'qid': 1, 'duration': 8, 'relevant_windows': None, 'label': [[5], [4], [1], [3]]}],  # TVSum counts from 1
        'tvsum',
    )
    assert report['brief'] == {'HL-mAP': 79.17}


def samples(predictions=PREDICTIONS, annotations=ANNOTATIONS, view='main'):
    rows = [{'pred_saliency_scores': [0.0], **row} for row in predictions]
    found = data_samples(rows, annotations)
    for sample in found:
        sample.set_metainfo({'view': view})
    return found


def test_moment_metric():
    figures = run([dict(type='MomentRetrievalMetric')], samples())
    assert figures == pytest.approx(MOMENTS, nan_ok=True)


def test_highlight_metric():
    predictions = [{'pred_relevant_windows': [], 'pred_saliency_scores': [0.9, 0.8, 0.7, 0.1]}]
    assert run([dict(type='HighlightMetric')], samples(predictions, HIGHLIGHTS)) == {
        'HL-min-Fair-mAP': 88.89,
        'HL-min-Fair-Hit1': 100.0,
        'HL-min-Good-mAP': 61.11,
        'HL-min-Good-Hit1': 100.0,
        'HL-min-VeryGood-mAP': 44.44,
        'HL-min-VeryGood-Hit1': 100.0,
    }


def test_spurious_metric():
    """Plain predictions have a mAP of 60; of the masked ones the second is lost and the first keeps IoU 0.5."""
    masked = [
        {'pred_relevant_windows': [[0, 5, 0.9]]},
        {'pred_relevant_windows': [[0, 4, 0.9]]},
    ]
    figures = run([dict(type='SpuriousMetric')], [*samples(), *samples(masked, view='spurious')], size=2)
    assert figures == {
        'Spurious-mAP': 5.0,  # AP 1 at the first of ten thresholds, for one of two queries
        'Spurious-mAP@0.75': 0.0,
        'Spurious-mIoU': 25.0,
        'Spurious-R1@0.5': 50.0,
        'Spurious-R1@0.7': 0.0,
        'Spurious-R1@0.9': 0.0,
        'Spurious-ratio': 12.0,
    }


def test_a_video_in_which_nothing_is_rated():
    """As if one annotator had rated all clips 0; five seconds have two clips of 2 s."""
    row = {'duration': 5, 'relevant_clip_ids': [], 'saliency_scores': []}
    batch = HighlightBatch.from_rows([[0.1, 0.9, 0.5]], [row], 2.0)
    assert batch.ratings.tolist() == [[[0.0], [0.0]]] and batch.scores.tolist() == [[0.1, 0.9]]
    assert batch.top_clip.tolist() == [1] and batch.average_precision([2]).tolist() == [[[0.0]]]
