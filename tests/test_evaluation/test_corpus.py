"""Video and moment in a collection: four queries by hand, chance against counting, and TVR's files."""

import itertools
import json

import numpy as np
import pytest

from mmvmr.cli.main import main
from mmvmr.evaluation.corpus_files import read_predictions, write_corpus_predictions
from mmvmr.evaluation.functional import InputError, evaluate_predictions, query_figures
from mmvmr.evaluation.functional.corpus import window_chance
from mmvmr.registry import METRICS
from mmvmr.utils.io import read_jsonl, write_jsonl

ANNOTATIONS = [
    {'qid': 1, 'query': 'a', 'vid': 'dog', 'duration': 20, 'relevant_windows': [[0, 10]]},
    {'qid': 2, 'query': 'b', 'vid': 'cat', 'duration': 20, 'relevant_windows': [[0, 10]]},
    {'qid': 3, 'query': 'c', 'vid': 'cat', 'duration': 20, 'relevant_windows': [[0, 4], [10, 20]]},
    {'qid': 4, 'query': 'd', 'vid': 'sky', 'duration': 20, 'relevant_windows': [[5, 15]]},
]
PREDICTIONS = [
    # Right at once.
    {'qid': 1, 'pred_corpus_moments': [['dog', 0, 10, 0.9], ['cat', 0, 10, 0.8]]},
    # The right window of the wrong video; then IoU 0.4, 0.5 and, as the sixth pair, 0.7. The video is the second.
    {
        'qid': 2,
        'pred_corpus_moments': [
            *(['dog', 0, 10, 0.9], ['cat', 0, 4, 0.8], ['dog', 1, 2, 0.7]),
            *(['cat', 0, 5, 0.6], ['dog', 2, 3, 0.5], ['cat', 0, 7, 0.4]),
        ],
    },
    # One of two moments is enough: IoU 0.6 with the second one.
    {'qid': 3, 'pred_corpus_moments': [['cat', 10, 16, 0.9]]},
    # The right video nowhere.
    {'qid': 4, 'pred_corpus_moments': [['dog', 5, 15, 0.9], ['cat', 5, 15, 0.8]]},
]
EXPECTED = {
    'VR-R1': 50.0,
    'VR-R5': 75.0,
    'VR-R10': 75.0,
    'VR-R100': 75.0,
    'VCMR-R1@0.3': 50.0,
    'VCMR-R5@0.3': 75.0,
    'VCMR-R10@0.3': 75.0,
    'VCMR-R100@0.3': 75.0,
    'VCMR-R1@0.5': 50.0,
    'VCMR-R5@0.5': 75.0,
    'VCMR-R10@0.5': 75.0,
    'VCMR-R100@0.5': 75.0,
    'VCMR-R1@0.7': 25.0,
    'VCMR-R5@0.7': 25.0,
    'VCMR-R10@0.7': 50.0,
    'VCMR-R100@0.7': 50.0,
}


def scored(predictions, annotations=ANNOTATIONS, **options):
    return evaluate_predictions(predictions, annotations, 'corpus', **options)


def test_figures_by_hand():
    report = scored(PREDICTIONS)
    assert report['brief'] == EXPECTED and 'reasons' not in report
    chance = report['chance']
    assert (chance['videos'], chance['VR-R1'], chance['VR-R5']) == (3, 33.33, 100.0)
    single = query_figures(PREDICTIONS, ANNOTATIONS, 'corpus')
    assert {name: round(values.mean(), 2) for name, values in single.items()} == EXPECTED
    assert single['VCMR-R10@0.7'].tolist() == [100, 100, 0, 0]


def test_a_ranking_of_videos_comes_before_the_order_of_moments():
    rows = [{**row, 'pred_videos': [['sky', 3.0], ['cat', 2.0], ['dog', 1.0]]} for row in PREDICTIONS]
    brief = scored(rows)['brief']
    assert (brief['VR-R1'], brief['VR-R5'], brief['VCMR-R1@0.5']) == (25.0, 100.0, 50.0)
    videos_only = [{'qid': row['qid'], 'pred_videos': row['pred_videos']} for row in rows]
    report = scored(videos_only)
    assert list(report['brief']) == ['VR-R1', 'VR-R5', 'VR-R10', 'VR-R100']
    assert report['reasons'] == {'VCMR': 'the predictions have no pred_corpus_moments'}


def test_queries_without_a_moment():
    annotations = [*ANNOTATIONS[:2], {**ANNOTATIONS[2], 'relevant_windows': []}]
    unlabelled = {key: value for key, value in ANNOTATIONS[3].items() if key != 'relevant_windows'}
    report = scored(PREDICTIONS, [*annotations, unlabelled])
    assert (report['brief']['VR-R1'], report['brief']['VCMR-R1@0.5']) == (33.33, 50.0)  # of three and of two queries
    assert '1 of 4 queries have no moment' in report['reasons']['VR']
    assert '2 of 4 queries have no relevant_windows' in report['reasons']['VCMR']


@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.7])
@pytest.mark.parametrize('moment', [(0, 10), (4, 9), (13, 20), (0, 20), (9, 10)])
def test_chance_of_a_window_by_counting(moment, threshold):
    # Both ends at the middles of 400 equal steps of the video.
    ends = (np.arange(400) + 0.5) / 20
    a, b = np.minimum.outer(ends, ends), np.maximum.outer(ends, ends)
    overlap = np.maximum(0, np.minimum(b, moment[1]) - np.maximum(a, moment[0]))
    iou = overlap / (np.maximum(b, moment[1]) - np.minimum(a, moment[0]))
    assert window_chance(*moment, 20, threshold) == pytest.approx((iou >= threshold).mean(), abs=4e-3)


def test_chance_by_hand():
    # The moment is the whole video: a window of at least half of it, which a quarter of all pairs of ends give.
    assert window_chance(0, 10, 10, 0.5) == pytest.approx(0.25)
    assert window_chance(3, 3, 10, 0.5) == 0
    row = {'qid': 1, 'query': 'a', 'vid': 'dog', 'duration': 10, 'relevant_windows': [[0, 10]]}
    other = {**row, 'qid': 2, 'vid': 'cat'}
    rows = [{'qid': qid, 'pred_corpus_moments': [['dog', 0, 10, 1.0]]} for qid in (1, 2)]
    chance = scored(rows, [row, other])['chance']
    assert chance['VCMR-R1@0.5'] == 12.5  # one of two videos, a quarter
    assert chance['VCMR-R5@0.5'] == round(100 * (1 - 0.875**5), 2)


def broken(place, **changes):
    rows = [dict(row) for row in PREDICTIONS]
    rows[place].update(changes)
    return rows


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        (PREDICTIONS[:3], r'no prediction for 1 of 4 queries .*first: \[4\]'),
        (
            broken(1, pred_corpus_moments=[['dog', 3, 1, 0.5]]),
            r' entry 2 \(qid 2\): pred_corpus_moments\[0\] ends before it',
        ),
        (broken(1, pred_corpus_moments=[['dog', 3, 0.5]]), r'expected \[video, start, end, score\]'),
        (broken(1, pred_corpus_moments=[[3.5, 1, 2, 0.5]]), r'expected \[video, start, end, score\]'),
        (broken(1, pred_corpus_moments=[['dog', 1, float('nan'), 1]]), 'end of pred_corpus_moments.*finite'),
        (broken(1, pred_corpus_moments=None), 'entry 2.*is missing, but 3 of 4 entries have it'),
        ([{**row, 'pred_videos': [['dog', 1], ['dog', 0]]} for row in PREDICTIONS], "has 'dog' twice"),
        (
            [{'qid': qid, 'pred_corpus_moments': [['dog.mp4', 0, 1, 1]]} for qid in (1, 2, 3, 4)],
            r"no predicted video is a `vid`.*\['dog.mp4'\].*'dog', 'cat', 'sky'.*as the annotations do",
        ),
        (
            [{'qid': qid, 'pred_relevant_windows': []} for qid in (1, 2, 3, 4)],
            'scores what `mmvmr search --out`',
        ),
    ],
)
def test_mistakes(rows, message):
    with pytest.raises(InputError, match=rf'^p\.jsonl.*{message}'):
        scored(rows, source='p.jsonl')


def test_other_places_refuse_it():
    with pytest.raises(InputError, match='--protocol corpus'):
        evaluate_predictions(PREDICTIONS, ANNOTATIONS, 'charades')
    with pytest.raises(ValueError, match='scores answers from a whole collection'):
        METRICS.build(dict(type='MomentRetrievalMetric', protocol='corpus'))
    assert scored(PREDICTIONS[:3], subset=True)['brief']['VR-R1'] == 66.67
    rows = [*ANNOTATIONS[:1], {'qid': 2, 'relevant_windows': [[0, 1]]}]
    with pytest.raises(InputError, match=r'^a\.jsonl entry 2 \(qid 2\): vid is missing, the video to be found'):
        scored(PREDICTIONS[:2], rows, reference='a.jsonl')
    with pytest.raises(InputError, match=r'^a\.jsonl entry 2: qid 1 occurs twice'):
        scored(PREDICTIONS[:1], ANNOTATIONS[:1] * 2, reference='a.jsonl')


def test_files(tmp_path, capsys):
    videos = [['cat', 2.0], ['dog', 1.0]]
    rows = [{**row, 'query': asked['query'], 'pred_videos': videos} for row, asked in zip(PREDICTIONS, ANNOTATIONS)]
    for name in ('preds.jsonl', 'preds.json'):
        write_corpus_predictions(tmp_path / name, rows)
        assert read_predictions(tmp_path / name, 'corpus') == rows
    submission = json.loads((tmp_path / 'preds.json').read_text())
    assert submission['video2idx'] == {'dog': 0, 'cat': 1}
    assert submission['VCMR'][0] == {'desc_id': 1, 'desc': 'a', 'predictions': [[0, 0, 10, 0.9], [1, 0, 10, 0.8]]}
    assert submission['VR'][0]['predictions'] == [[1, 0, 0, 2.0], [0, 0, 0, 1.0]]
    write_jsonl(tmp_path / 'gt.jsonl', ANNOTATIONS)
    command = ['eval', str(tmp_path / 'preds.json'), str(tmp_path / 'gt.jsonl'), '--protocol', 'corpus']
    assert main([*command, '--out', str(tmp_path / 'metrics.json')]) == 0
    assert json.loads((tmp_path / 'metrics.json').read_text())['brief']['VCMR-R1@0.5'] == 50.0
    files = [str(tmp_path / name) for name in ('preds.json', 'preds.jsonl')]
    compare = ['compare', *files, '--gt', command[2], '--protocol', 'corpus', '--draws', '100']
    assert main([*compare, '--subset']) == 0 and 'VCMR-R1@0.5' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, '--page', str(tmp_path / 'page.html')])
    assert 'shows moments of one video' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([], 'expected an object with `video2idx`'),
        ({'video2idx': {'a': 0}, 'VCMR': [{'desc_id': 1}]}, r'VCMR\[0\]: expected an object with `desc_id`'),
        ({'video2idx': {'a': 0}, 'VCMR': [{'desc_id': 1, 'predictions': [[4, 0, 1, 1]]}]}, 'index 4 is not in'),
        ({'video2idx': {'a': 0}, 'VR': [{'desc_id': 1, 'predictions': [[0, 1]]}]}, r'expected \[video index, start'),
        ({'video2idx': {'a': 0}, 'VR': [{'desc_id': 1, 'predictions': []}] * 2}, 'occurs twice in VR'),
    ],
)
def test_damaged_submissions(tmp_path, content, message):
    (tmp_path / 'preds.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_predictions(tmp_path / 'preds.json', 'corpus')


def test_recall_against_a_loop():
    rng = np.random.default_rng(0)
    names = [f'v{i}' for i in range(6)]
    annotations, predictions = [], []
    for qid in range(40):
        start = rng.uniform(0, 15, 2)
        truth = [[float(s), float(s + 4)] for s in start]
        annotations.append({'qid': qid, 'vid': names[qid % 6], 'duration': 20, 'relevant_windows': truth})
        ends = np.sort(rng.uniform(0, 20, (30, 2)), axis=1).tolist()
        moments = [[names[rng.integers(6)], *window, 0.0] for window in ends]
        predictions.append({'qid': qid, 'pred_corpus_moments': moments})
    brief = scored(predictions, annotations)['brief']
    for k, threshold in itertools.product((1, 5, 10, 100), (0.3, 0.5, 0.7)):
        hits = 0
        for row, truth in zip(predictions, annotations):
            hits += any(
                name == truth['vid']
                and any(max(0, min(b, d) - max(a, c)) / (max(b, d) - min(a, c)) >= threshold for c, d in windows)
                for name, a, b, _ in row['pred_corpus_moments'][:k]
                for windows in [truth['relevant_windows']]
            )
        assert brief[f'VCMR-R{k}@{threshold}'] == 100 * hits / 40


def test_real_charades(shared_dir):
    # Everything right, and everything in the wrong video.
    rows = read_jsonl(shared_dir / 'data/charades_clip/val.jsonl')
    right = [{'qid': r['qid'], 'pred_corpus_moments': [[r['vid'], *r['relevant_windows'][0], 1]]} for r in rows]
    report = scored(right, rows)
    assert set(report['brief'].values()) == {100.0} and report['chance']['videos'] == 300
    assert report['chance']['VR-R10'] == 3.33 and 0 < report['chance']['VCMR-R1@0.7'] < report['chance']['VCMR-R1@0.5']
