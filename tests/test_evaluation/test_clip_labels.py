"""TVSum and YouTube Highlights: scoring where every clip is labelled."""

import random

import numpy as np
import pytest

from mmvmr.evaluation.functional import (
    ClipLabelRule,
    InputError,
    Protocol,
    clip_label_average_precision,
    evaluate_predictions,
    query_figures,
    trapezoid_average_precision,
)
from mmvmr.utils import read_jsonl


def slow_ap(hits):
    """Area under precision over recall by trapezoids, walking down the ranking."""
    total, found, area, recall, precision = sum(hits), 0, 0.0, 0.0, 1.0
    if not total:
        return 0.0
    for rank, hit in enumerate(hits, start=1):
        found += hit
        area += (found / total - recall) * (precision + found / rank) / 2
        recall, precision = found / total, found / rank
    return area


def slow_map(scores, table, top, median):
    """Per annotator, in percent-free units; the median of an even number is the lower of the two in the middle."""
    values = []
    for annotator in range(len(table[0])):
        column = [row[annotator] for row in table]
        cut = sorted(column)[(len(column) - 1) // 2] if median else 0
        ranking = sorted(range(min(len(scores), len(column))), key=lambda i: -scores[i])
        values.append(slow_ap([int(column[i] > cut) for i in ranking][:top]))
    return values


def rows(seed, count, annotators, least, best):
    rng = random.Random(seed)
    predictions, annotations = [], []
    for qid in range(count):
        length = rng.choice([1, 2, 3, 8, 31])
        low = rng.choice([least, least + 1, best])  # some videos without any highlight, some with nothing else
        table = [[rng.randint(low, best) for _ in range(annotators)] for _ in range(length)]
        scores = [rng.choice([-1.0, 0.0, 0.5, 2.0]) for _ in range(max(1, length + rng.choice([-2, 0, 0, 3])))]
        annotations.append({'qid': f'v{qid}', 'duration': length, 'relevant_windows': None, 'label': table})
        predictions.append({'qid': f'v{qid}', 'pred_saliency_scores': scores})
    return predictions, annotations


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize(
    ('protocol', 'top', 'annotators', 'scale'), [('tvsum', 5, 20, (1, 5)), ('youtube_highlights', None, 1, (0, 1))]
)
def test_against_a_slow_reference(seed, protocol, top, annotators, scale):
    predictions, annotations = rows(seed, 25, annotators, *scale)
    expected = [
        slow_map(p['pred_saliency_scores'], a['label'], top, protocol == 'tvsum')
        for p, a in zip(predictions, annotations)
    ]
    assert 0.05 < np.mean(expected) < 0.95
    rule = ClipLabelRule('above_median', 5) if protocol == 'tvsum' else ClipLabelRule('nonzero')
    found = clip_label_average_precision(
        [p['pred_saliency_scores'] for p in predictions], [a['label'] for a in annotations], rule
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)
    report = evaluate_predictions(predictions, annotations, protocol)
    assert report['brief'] == {'HL-mAP': pytest.approx(100 * np.mean(expected), abs=0.0051)}


def test_by_hand():
    ranked = np.array([[True, False], [False, True], [True, True], [False, False]])
    np.testing.assert_allclose(trapezoid_average_precision(ranked), [1.0, 0.25, 1.0, 0.0])


def test_the_lower_median_decides():
    rule = ClipLabelRule('above_median')
    assert rule.positives(np.array([[1.0], [2.0], [3.0], [4.0]])).ravel().tolist() == [False, False, True, True]
    assert rule.positives(np.array([[1.0], [1.0], [1.0]])).ravel().tolist() == [False] * 3


@pytest.mark.parametrize('label', [[], [[1], [1, 2]], [[float('nan')]], [1, 2], 'x', [['a']]])
def test_bad_labels_are_named(label):
    with pytest.raises(InputError, match=r"qid 'a'.*label"):
        evaluate_predictions(
            [{'qid': 'a', 'pred_saliency_scores': [0.1]}], [{'qid': 'a', 'duration': 2, 'label': label}], 'tvsum'
        )


@pytest.mark.parametrize(
    ('protocol', 'key', 'ratings', 'message'),
    [
        ('tvsum', 'label', [[1], [0]], r'label\[1\] is \[0\], expected ratings from 1 to 5'),
        ('youtube_highlights', 'label', [[1], [-1]], r'label\[1\] is \[-1\], expected ratings from 0 to 1'),
        ('qvhighlights', 'saliency_scores', [[4, 5], [0, 1]], r'saliency_scores\[0\] is \[4, 5\].* from 0 to 4'),
    ],
)
def test_ratings_on_another_scale_are_not_scored(protocol, key, ratings, message):
    rows = [{'qid': 'a', 'duration': 4, 'relevant_windows': [[0, 4]], 'relevant_clip_ids': [0, 1], key: ratings}]
    predictions = [{'qid': 'a', 'pred_saliency_scores': [0.1, 0.2], 'pred_relevant_windows': [[0, 4, 0.5]]}]
    for score in (evaluate_predictions, query_figures):
        with pytest.raises(InputError, match=rf"^GT entry 1 \(qid 'a'\): {message}"):
            score(predictions, rows, protocol, reference='GT')
    if key == 'saliency_scores':  # moments alone are scored: nobody asks for the ratings
        del predictions[0]['pred_saliency_scores']
        assert evaluate_predictions(predictions, rows, protocol)['brief']['MR-full-mAP'] == 100


def test_annotators_must_be_as_many():
    predictions = [{'qid': q, 'pred_saliency_scores': [0.1]} for q in 'ab']
    annotations = [{'qid': 'a', 'label': [[1]]}, {'qid': 'b', 'label': [[1, 2]]}]
    with pytest.raises(
        InputError, match=r"^GT entry 2 \(qid 'b'\): label has 2 annotators, entry 1 \(qid 'a'\) has 1; give"
    ):
        evaluate_predictions(predictions, annotations, 'tvsum', reference='GT')


def test_nothing_to_score():
    with pytest.raises(InputError, match='no annotation has label'):
        evaluate_predictions([{'qid': 1, 'pred_saliency_scores': [0.1]}], [{'qid': 1}], 'tvsum')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(positive='mean'), "^ClipLabelRule: positive='mean' is unknown, expected 'above_median' or 'nonzero'$"),
        (dict(positive='nonzero', top=0), '^ClipLabelRule: top=0, expected a positive number or None$'),
    ],
)
def test_unknown_rules(options, message):
    with pytest.raises(ValueError, match=message):
        ClipLabelRule(**options)


def test_a_single_clip_may_count():
    """The best one is a highlight of the first annotator only."""
    rule = ClipLabelRule('nonzero', top=1)
    assert clip_label_average_precision([[0.1, 0.9]], [[[1, 1], [1, 0]]], rule).tolist() == [[1.0, 0.0]]


def test_protocols_score_one_kind_of_highlights():
    with pytest.raises(ValueError, match='exclude each other'):
        Protocol('x', lengths={}, saliency_levels={'Fair': 2}, clip_rule=ClipLabelRule('nonzero'))


def test_real_annotations(shared_dir):
    for name, file, perfect in [
        ('tvsum', 'tvsum/tvsum_val_release.jsonl', 75),
        ('youtube_highlights', 'youtube_highlights/youtube_highlight_val_release.jsonl', 100),
    ]:
        path = shared_dir / 'data/annotations' / file
        annotations = [row for row in read_jsonl(path) if any(map(any, row['label']))]
        predictions = [
            {'qid': row['qid'], 'pred_saliency_scores': [float(sum(clip)) for clip in row['label']]}
            for row in annotations
        ]
        best = evaluate_predictions(predictions, annotations, name)['brief']['HL-mAP']
        for row in predictions:
            row['pred_saliency_scores'] = [-score for score in row['pred_saliency_scores']]
        assert perfect <= best <= 100
        assert evaluate_predictions(predictions, annotations, name)['brief']['HL-mAP'] < best - 20
