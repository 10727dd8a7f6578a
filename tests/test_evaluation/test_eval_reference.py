"""The vectorised figures against a slow independent implementation."""

import json

import numpy as np
import pytest
import slow_reference as slow
from eval_data import random_rows

from mmvmr.evaluation.functional import (
    HighlightBatch,
    MomentBatch,
    evaluate_predictions,
    get_protocol,
    hull_iou,
    pairwise_iou,
    report_to_json,
)

SEEDS = range(5)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('bucket', ['short', 'middle', 'long', 'full'])
def test_moments_per_query(seed, bucket):
    predictions, annotations = random_rows(seed)
    protocol = get_protocol('qvhighlights')
    length_range = protocol.lengths[bucket]
    preds = [row['pred_relevant_windows'] for row in predictions]
    windows = [row['relevant_windows'] for row in annotations]
    batch = MomentBatch.from_lists(preds, windows, protocol.max_predictions).in_range(length_range)

    kept = [(p, slow.in_range(w, length_range)) for p, w in zip(preds, windows) if slow.in_range(w, length_range)]
    assert len(kept) > 5
    expected = [[slow.average_precision(p, w, t) for t in protocol.map_thresholds] for p, w in kept]
    assert np.count_nonzero(expected) > 5
    np.testing.assert_allclose(batch.average_precision(protocol.map_thresholds), expected, atol=1e-12)
    for rank in (1, 5):
        np.testing.assert_allclose(batch.rank_iou(rank), [slow.best_overlap(p, w, rank) for p, w in kept], atol=1e-12)


@pytest.mark.parametrize('seed', SEEDS)
def test_highlights_per_query(seed):
    predictions, annotations = random_rows(seed)
    scores = [row['pred_saliency_scores'] for row in predictions]
    batch = HighlightBatch.from_rows(scores, annotations, clip_len=2.0)
    expected = [
        [[slow.highlight_ap(s, row, annotator, minimum) for annotator in range(3)] for minimum in (2, 3, 4)]
        for s, row in zip(scores, annotations)
    ]
    np.testing.assert_allclose(batch.average_precision([2, 3, 4]), expected, atol=1e-12)
    for minimum in (2, 3, 4):
        hits = [slow.hit_at_one(s, row, minimum) for s, row in zip(scores, annotations)]
        assert batch.hit_at_one(minimum).tolist() == hits


@pytest.mark.parametrize('name', ['qvhighlights', 'charades', 'tacos', 'activitynet'])
def test_report_is_the_mean_of_the_reference(name):
    predictions, annotations = random_rows(11, count=60)
    protocol = get_protocol(name)
    report = evaluate_predictions(predictions, annotations, name)
    rows = [(p['pred_relevant_windows'], a['relevant_windows']) for p, a in zip(predictions, annotations)]
    for bucket, length_range in protocol.lengths.items():
        kept = [(p, slow.in_range(w, length_range)) for p, w in rows if slow.in_range(w, length_range)]
        per_threshold = [
            slow.percent(slow.average_precision(p, w, t) for p, w in kept) for t in protocol.map_thresholds
        ]
        figures = report[bucket]
        assert list(figures['MR-mAP'].values()) == pytest.approx(
            [*per_threshold, sum(per_threshold) / len(per_threshold)], abs=0.0051
        )
        assert figures['MR-mIoU'] == pytest.approx(
            slow.percent(slow.best_overlap(p, w, 1) for p, w in kept), abs=0.0051
        )
        for rank in protocol.ranks:
            for t, value in figures[f'MR-R{rank}'].items():
                recall = slow.percent(slow.best_overlap(p, w, rank) >= float(t) for p, w in kept)
                assert value == pytest.approx(recall, abs=0.0051)
    assert ('HL-min-Good' in report) == (name == 'qvhighlights')
    assert ('MR-R5' in report['full']) == (name != 'qvhighlights')
    assert json.loads(report_to_json(report)) == report


def test_summary_repeats_the_tables():
    report = evaluate_predictions(*random_rows(3))
    brief, full = report['brief'], report['full']
    assert next(iter(report)) == 'brief'
    assert brief['MR-full-mAP'] == full['MR-mAP']['average']
    assert brief['MR-full-mAP@0.75'] == full['MR-mAP']['0.75']
    assert brief['MR-full-R1@0.7'] == full['MR-R1']['0.7']
    assert brief['MR-full-mIoU'] == full['MR-mIoU']
    assert brief['MR-short-mAP'] == report['short']['MR-mAP']['average']
    assert brief['HL-min-VeryGood-Hit1'] == report['HL-min-VeryGood']['HL-Hit1']


def test_order_of_entries_does_not_matter():
    predictions, annotations = random_rows(4)
    assert evaluate_predictions(predictions[::-1], annotations) == evaluate_predictions(predictions, annotations)


def test_only_the_first_ten_predictions_count():
    predictions = [{'qid': 1, 'pred_relevant_windows': [[0, 2, 0.5]] * 10 + [[50, 70, 0.9]]}]
    annotations = [{'qid': 1, 'duration': 150, 'relevant_windows': [[50, 70]]}]
    assert evaluate_predictions(predictions, annotations)['brief']['MR-full-mAP'] == 0
    predictions[0]['pred_relevant_windows'].pop(0)
    assert evaluate_predictions(predictions, annotations)['brief']['MR-full-mAP'] == 100


def test_iou_by_union_and_by_hull_differ_only_apart():
    a, b = np.array([[0.0, 4.0]]), np.array([[2.0, 8.0], [6.0, 8.0], [4.0, 4.0]])
    np.testing.assert_allclose(pairwise_iou(a, b), [[0.25, 0, 0]])
    np.testing.assert_allclose(hull_iou(np.repeat(a, 3, axis=0), b), [0.25, 0, 0])
    assert pairwise_iou(b[2:], b[2:]) == 0


def test_hit_at_one_looks_at_real_clips_only():
    row = {'duration': 8, 'relevant_clip_ids': [0, 3], 'saliency_scores': [[4, 0, 0], [0, 0, 4]]}
    longer = {**row, 'duration': 20}
    scores = [[0.0, 0.0, 0.0, 0.0, 5.0], [-9.0, -9.0, -9.0, -1.0], [0.0] * 12 + [1.0]]
    batch = HighlightBatch.from_rows(scores, [row, row, longer], clip_len=2.0)
    # beyond the video; all negative, beside longer predictions padded with 0; beyond every video
    assert batch.hit_at_one(4).tolist() == [False, True, False]
