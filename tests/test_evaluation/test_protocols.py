"""Named protocols: what differs between data sets, and between evaluators of published code."""

import json

import pytest
import slow_reference as slow
from eval_data import random_rows

from mmvmr.evaluation.functional import (
    Protocol,
    evaluate_moments,
    evaluate_predictions,
    get_protocol,
    protocol_names,
    protocols,
    report_to_json,
)
from mmvmr.evaluation.functional.protocols import register_protocol
from mmvmr.evaluation.metrics import HighlightMetric, MomentRetrievalMetric
from mmvmr.utils.io import read_jsonl

MOMENTS = [name for name in protocol_names() if get_protocol(name).lengths]


def pairs(count=60, seed=7):
    predictions, annotations = random_rows(seed, count)
    return [(p['pred_relevant_windows'], a['relevant_windows']) for p, a in zip(predictions, annotations)]


def scored(rows, protocol):
    return evaluate_moments([p for p, _ in rows], [w for _, w in rows], protocol)


@pytest.mark.parametrize('protocol', ['qvhighlights', 'charades', 'gmr'])
def test_names_of_the_figures_are_known_before_an_evaluation(protocol):
    rows = [
        {'qid': 1, 'duration': 30, 'relevant_windows': [[5, 15]], 'relevant_clip_ids': [3], 'saliency_scores': [[4]]}
    ]
    answers = [{'qid': 1, 'pred_relevant_windows': [[5, 15, 0.9]], 'pred_exist_score': 0.9}]
    metric = MomentRetrievalMetric(protocol)
    assert metric.figure_names(rows) == [*metric.compute_metrics([{'prediction': answers[0], 'annotation': rows[0]}])]
    assert metric.figure_names([{'qid': 1}]) == []
    assert MomentRetrievalMetric(protocol, prefix='a').figure_names(rows)[0].startswith('a/')


def test_names_of_highlight_figures():
    rated = [{'relevant_clip_ids': [3], 'saliency_scores': [[4]]}]
    names = [f'HL-min-{level}-{kind}' for level in ('Fair', 'Good', 'VeryGood') for kind in ('mAP', 'Hit1')]
    assert HighlightMetric().figure_names(rated) == names
    assert HighlightMetric('tvsum').figure_names([{'label': [[1]]}]) == ['HL-mAP']


def test_all_that_are_promised_exist():
    assert set(protocol_names()) >= {
        *('qvhighlights', 'charades', 'tacos', 'activitynet', 'tvsum', 'youtube_highlights', 'nlq'),
        *('charades_eatr', 'charades_cd_bm_detr', 'charades_td_detr'),
    }


def test_grids_of_thresholds():
    assert protocols._grid(0.5, 0.7) == (0.5, 0.55, 0.6, 0.65, 0.7)
    assert protocols._grid(0.3, 0.7, 0.1) == (0.3, 0.4, 0.5, 0.6, 0.7)
    assert protocols._grid(0.123, 0.2) == (0.12, 0.17, 0.22)  # two decimals


def test_what_a_protocol_may_ask_for(monkeypatch):
    monkeypatch.setattr(protocols, '_PROTOCOLS', {})
    full = {'full': None}
    protocol = register_protocol(Protocol('mine', full, ranks=(1, 10)))
    assert get_protocol('mine') is protocol and get_protocol(protocol) is protocol and protocol_names() == ['mine']
    for options, message in (
        (dict(ranks=(0, 1)), r'ranks \(0, 1\) must be between 1 and 10$'),
        (dict(ranks=(11,)), r'ranks \(11,\) must be between 1 and 10$'),
        (dict(lengths={}), 'lengths is empty, expected at least one range$'),
        (dict(brief_map=(0.1,)), r'brief_map asks for \[0\.1\], which is not in map_thresholds$'),
        (dict(recall_means=(0.1,)), r'recall_means asks for \[0\.1\], which is not in recall_thresholds$'),
    ):
        with pytest.raises(ValueError, match=f"^protocol 'other': {message}"):
            Protocol('other', **{'lengths': full, **options})
    with pytest.raises(ValueError, match=r"^evaluation: protocol='other' is unknown, expected 'mine'$"):
        get_protocol('other')


def test_a_report_is_written_without_nan():
    assert report_to_json({'brief': {'a': float('nan'), 'b': 1.5}}) == (
        '{\n    "brief": {\n        "a": null,\n        "b": 1.5\n    }\n}'
    )


@pytest.mark.parametrize('name', MOMENTS)
def test_the_variants_agree_where_they_measure_the_same(name):
    """A recall or mAP over all queries is one number, whoever prints it, unless a variant says otherwise."""
    if name in ('charades_eatr', 'charades_cd_bm_detr'):
        pytest.skip('counts other moments')
    few = [(predictions[:10], windows) for predictions, windows in pairs()]  # protocols count 10 or more
    full, base = scored(few, name)['full'], scored(few, 'tacos')['full']
    assert full['MR-mAP'] == base['MR-mAP']
    for threshold in set(full['MR-R1']) & set(base['MR-R1']):
        assert full['MR-R1'][threshold] == base['MR-R1'][threshold]


def test_nlq_is_ranked_by_the_mean_recall():
    brief = scored(pairs(), 'nlq')['brief']
    for rank in (1, 5):
        mean = (brief[f'MR-full-R{rank}@0.3'] + brief[f'MR-full-R{rank}@0.5']) / 2
        assert brief[f'MR-full-R{rank}@mean'] == pytest.approx(mean, abs=0.011)
    assert brief['MR-full-R5@0.3'] == pytest.approx(
        slow.percent(slow.best_overlap(p, w, 5) >= 0.3 for p, w in pairs()), abs=0.0051
    )
    assert not any(name.endswith('@0.7') for name in brief)


def test_mad_counts_fifty_predictions():
    """A hit at rank 30 counts for R50 and mAP there, and nowhere else."""
    windows = [[0, 5, 1 - i / 100] for i in range(60)]
    rows = [([*windows[:29], [50, 60, 0.71], *windows[30:]], [[50, 60]]), ([*windows[:54], [50, 60, 0.1]], [[50, 60]])]
    brief = scored(rows, 'mad')['brief']
    assert [brief[f'MR-full-R{rank}@0.5'] for rank in (1, 5, 10, 50)] == [0, 0, 0, 50]  # of two: one is at rank 55
    assert brief['MR-full-mAP'] == pytest.approx(100 / 30 / 2, abs=0.0051)
    assert scored(rows, 'charades')['brief']['MR-full-mAP'] == 0


def test_eatr_leaves_moments_over_30_seconds_out():
    rows = [([[0, 31, 0.9]], [[0, 31]]), ([[0, 10, 0.9]], [[20, 40]])]
    assert scored(rows, 'charades')['brief']['MR-full-R1@0.5'] == 50
    report = scored(rows, 'charades_eatr')
    assert report['brief']['MR-full-R1@0.5'] == report['brief']['MR-full-R5@0.7'] == 0
    assert report['brief']['MR-full-mAP@0.5'] == 0
    assert set(report) == {'brief', 'short', 'middle', 'full', 'reasons'}
    kept = [(p, slow.in_range(w, (0, 30))) for p, w in pairs() if slow.in_range(w, (0, 30))]
    expected = slow.percent(slow.best_overlap(p, w, 5) >= 0.5 for p, w in kept)
    assert scored(pairs(), 'charades_eatr')['brief']['MR-full-R5@0.5'] == pytest.approx(expected, abs=0.0051)


def test_bm_detr_ends_charades_cd_at_75_seconds():
    rows = [([[70, 75, 0.9]], [[70, 90]]), ([[70, 75, 0.9]], [[80, 90]]), ([[0, 4, 0.9]], [[10, 20]])]
    assert scored(rows, 'charades')['brief']['MR-full-R1@0.7'] == 0
    report = scored(rows, 'charades_cd_bm_detr')
    assert report['brief']['MR-full-R1@0.7'] == 50  # of two: the window behind 75 s is gone
    assert list(report['full']['MR-R1']) == ['0.3', '0.4', '0.5', '0.6', '0.7']
    nothing = scored(rows[1:2], 'charades_cd_bm_detr')
    assert nothing['reasons'] == {'full': 'there is no query'}
    assert json.loads(report_to_json(nothing))['brief']['MR-full-mAP'] is None


def test_td_detr_prints_low_and_perfect_overlaps():
    full = scored(pairs(), 'charades_td_detr')['full']
    assert list(full['MR-R1']) == ['0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7', '0.8', '0.9', '1.0']
    expected = slow.percent(slow.best_overlap(p, w, 1) >= 0.1 for p, w in pairs())
    assert full['MR-R1']['0.1'] == pytest.approx(expected, abs=0.0051)


def test_thresholds_of_a_mean_must_be_measured():
    with pytest.raises(ValueError, match=r'recall_means asks for \[0\.2\], which is not in recall_thresholds'):
        Protocol('mine', lengths={'full': None}, recall_means=(0.2, 0.3))


def oracle(row, protocol, clip_len=2.0):
    """The best prediction that the annotation allows, cut where the published post-processing cuts."""
    end = get_protocol(protocol).window_end or float('inf')
    scores = [0.0] * int(row['duration'] / clip_len)
    for clip, ratings in zip(row.get('relevant_clip_ids') or [], row.get('saliency_scores') or []):
        scores[clip] = float(sum(ratings))
    windows = [[min(start, end), min(stop, end), 1.0] for start, stop in row['relevant_windows']]
    return {'qid': row['qid'], 'pred_relevant_windows': windows, 'pred_saliency_scores': scores}


@pytest.mark.parametrize(
    ('name', 'protocol'),
    [
        ('qvhighlights/highlight_val_release', 'qvhighlights'),
        ('qvhighlights/highlight_test_with_gt', 'qvhighlights'),
        ('charades_sta/charades_test_release', 'charades'),
        ('charades_cd/test_ood', 'charades_cd_bm_detr'),
        ('tacos/tacos_test_release', 'tacos'),
        ('activitynet_captions/activitynet_val_release', 'activitynet'),
    ],
)
def test_every_split_can_be_scored(shared_dir, name, protocol):
    """Perfect predictions are perfect: no annotation is refused, and no query is lost."""
    path = shared_dir / 'data' / 'annotations' / f'{name}.jsonl'
    if not path.is_file():
        pytest.skip(f'{path.name} absent')
    annotations = read_jsonl(path)
    brief = evaluate_predictions([oracle(row, protocol) for row in annotations], annotations, protocol)['brief']
    assert brief['MR-full-R1@0.7'] == 100
    if protocol == 'qvhighlights':
        assert brief['HL-min-Fair-Hit1'] > 99
        assert brief['MR-full-mAP'] > 99.5  # some queries have more than ten moments
