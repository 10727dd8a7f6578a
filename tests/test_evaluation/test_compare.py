"""Figures of single queries, intervals, the paired test and slices."""

import itertools
import json

import numpy as np
import pytest
from eval_data import random_rows
from run_helpers import run_tool

from mmvmr.evaluation.functional import (
    InputError,
    compare,
    compare_figures,
    evaluate_predictions,
    get_protocol,
    protocol_names,
    query_figures,
    slices,
)
from mmvmr.utils.io import read_jsonl, write_jsonl

MOMENTS = [name for name in protocol_names() if get_protocol(name).lengths]


@pytest.mark.parametrize('name', MOMENTS)
def test_the_mean_of_the_queries_is_the_summary(name):
    predictions, annotations = random_rows(5, count=60)
    for row in annotations[::7]:
        row['relevant_windows'] = [[row['duration'], row['duration'] + 80]]  # long ones too
    brief = evaluate_predictions(predictions, annotations, name)['brief']
    figures = query_figures(predictions[::-1], annotations, name)
    assert set(figures) == set(brief)
    for key, values in figures.items():
        assert values.shape == (60,)
        assert brief[key] == pytest.approx(np.nanmean(values), abs=0.0051)


def test_clip_labels_too():
    annotations = [{'qid': i, 'duration': 4, 'label': [[1], [0], [i % 2], [0]]} for i in range(6)]
    predictions = [{'qid': i, 'pred_saliency_scores': [0.1 * i, 0.2, 0.3, 0.0]} for i in range(6)]
    brief = evaluate_predictions(predictions, annotations, 'youtube_highlights')['brief']
    figures = query_figures(predictions, annotations, 'youtube_highlights')
    assert np.mean(figures['HL-mAP']) == pytest.approx(brief['HL-mAP'], abs=0.0051)
    with pytest.raises(InputError, match=r"nothing to score against .* by the protocol 'qvhighlights'"):
        query_figures(predictions, annotations, 'qvhighlights')


def test_figures_of_a_single_query():
    """IoU 0.6: right up to there."""
    rows = [{'qid': 1, 'duration': 20, 'relevant_windows': [[0, 10]]}]
    predictions = [{'qid': 1, 'pred_relevant_windows': [[0, 6, 0.9]]}]
    figures = query_figures(predictions, rows, 'charades')
    assert figures['MR-full-mIoU'].tolist() == [60.0]
    assert [figures[f'MR-full-R1@{t}'].tolist() for t in (0.5, 0.7)] == [[100.0], [0.0]]
    unlabelled = [{'qid': 1, 'duration': 20}]
    for protocol in ('charades', 'gmr'):
        with pytest.raises(InputError, match=f"^P: nothing to score against GT by the protocol '{protocol}'$"):
            query_figures(predictions, unlabelled, protocol, source='P', reference='GT')
    with pytest.raises(InputError, match=r'^P: no prediction for 1 of 2 queries of GT'):
        query_figures(predictions, [*rows, {**rows[0], 'qid': 2}], 'charades', source='P', reference='GT')


def test_the_interval_is_that_of_a_mean():
    """Many independent queries: the normal approximation knows the interval."""
    rng = np.random.default_rng(0)
    values = 100.0 * (rng.random(900) < 0.3)
    (row,) = compare_figures([{'R': values}], list(range(900)), draws=4000)
    half = 1.96 * values.std() / 30
    np.testing.assert_allclose(row['interval'], [[values.mean() - half, values.mean() + half]], atol=0.35)
    assert row['mean'] == [pytest.approx(values.mean())]
    assert 'p' not in row


def test_queries_of_one_video_are_drawn_together():
    rng = np.random.default_rng(0)
    values = np.repeat(100.0 * (rng.random(100) < 0.5), 9)
    units = np.repeat(np.arange(100), 9)
    (by_video,) = compare_figures([{'R': values}], units.tolist(), draws=2000)
    (by_query,) = compare_figures([{'R': values}], list(range(900)), draws=2000)
    assert np.diff(by_video['interval']) == pytest.approx(3 * np.diff(by_query['interval']), rel=0.15)


def exact_p(differences):
    observed = abs(sum(differences))
    totals = [abs(sum(s * d for s, d in zip(signs, differences))) for signs in itertools.product((1, -1), repeat=10)]
    return np.mean([total >= observed - 1e-9 for total in totals])


@pytest.mark.parametrize('seed', range(3))
def test_p_is_that_of_all_exchanges(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 101, 10) + 10.0 * seed, rng.integers(0, 101, 10).astype(float)
    (row,) = compare_figures([{'R': first}, {'R': second}], list(range(10)), draws=20_000)
    assert row['p'] == pytest.approx(exact_p(first - second), abs=0.015)
    assert row['difference'] == pytest.approx(first.mean() - second.mean())
    low, high = row['difference_interval']
    assert low < row['difference'] < high


def test_figures_and_portions_of_random_numbers_do_not_matter(monkeypatch):
    rng = np.random.default_rng(3)
    first, second = ({name: rng.random(20) for name in 'RS'} for _ in range(2))
    both = compare_figures([first, second], list(range(20)), draws=50)
    alone = [compare_figures([{n: first[n]}, {n: second[n]}], list(range(20)), draws=50)[0] for n in 'RS']
    monkeypatch.setattr(compare, 'PORTION', 20 * 16)  # portions of 16, 16, 16 and 2
    for other in (alone, compare_figures([first, second], list(range(20)), draws=50)):
        for one, row in zip(both, other, strict=True):
            assert one['figure'] == row['figure'] and one['p'] == row['p']
            np.testing.assert_allclose(one['interval'], row['interval'])
            np.testing.assert_allclose(one['difference_interval'], row['difference_interval'])


def test_equal_predictions_do_not_differ():
    values = np.array([0.0, 100.0, 50.0, np.nan])
    (row,) = compare_figures([{'R': values}, {'R': values}], list('abca'), draws=50)
    assert (row['p'], row['difference'], row['difference_interval'], row['queries']) == (1.0, 0.0, [0.0, 0.0], 3)


def test_a_rare_range_is_not_in_every_draw():
    values = np.array([40.0] + [np.nan] * 9)
    (row,) = compare_figures([{'R': values}], list(range(10)), draws=200)
    assert row['interval'] == [[40.0, 40.0]]
    assert compare_figures([{'R': values}], list(range(10)), rows=np.arange(10) > 0) == []


def test_the_seed_decides():
    rng = np.random.default_rng(2)
    pair = [{'R': rng.random(40)}, {'R': rng.random(40)}]
    one, same, other = (compare_figures(pair, list(range(40)), draws=300, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one[0]['interval'] != other[0]['interval']


def test_slices_of_a_data_set():
    rows = [
        {'qid': 0, 'duration': 90, 'relevant_windows': [[0, 10]]},
        {'qid': 1, 'duration': 90, 'relevant_windows': [[30, 60], [80, 90]]},
        {'qid': 2, 'duration': 90, 'relevant_windows': [[40, 80], [50, 90], [30, 60], [80, 90]]},
        {'qid': 3, 'duration': 90, 'relevant_windows': []},
    ]
    found = {by: [name for i in range(4) for name, m in slices(rows, by).items() if m[i]] for by in SLICE_NAMES}
    assert found['moments'] == ['1 moment', '2 moments', '3 or more']
    three = [{'qid': 0, 'duration': 90, 'relevant_windows': [[0, 10], [20, 30], [40, 50]]}]
    assert {name: mask.tolist() for name, mask in slices(three, 'moments').items()} == {
        '1 moment': [False],
        '2 moments': [False],
        '3 or more': [True],
    }
    assert found['position'] == ['first third', 'last third', 'last third']
    ends = [{'duration': 90, 'relevant_windows': [window]} for window in ([30, 50], [90, 90])]
    assert [name for i in range(2) for name, m in slices(ends, 'position').items() if m[i]] == [
        'second third',
        'last third',
    ]
    assert list(slices(rows, 'length'))[-1] == 'long (30 to 150 s]'
    assert found['length'] == ['short (0 to 10 s]', 'middle (10 to 30 s]', 'middle (10 to 30 s]']
    assert list(slices(rows, 'length', 'charades_cd_bm_detr')) == [
        'short (0 to 10 s]',
        'middle (10 to 30 s]',
        'long (30 to inf s]',
    ]
    with pytest.raises(ValueError, match="slices: by='colour' is unknown, expected 'length'"):
        slices(rows, 'colour')


SLICE_NAMES = ('length', 'position', 'moments')


@pytest.fixture
def files(tmp_path):
    predictions, annotations = random_rows(3, count=30)
    for i, pair in enumerate(zip(predictions, annotations)):
        for row in pair:
            row['vid'] = f'v{i // 2}'
    better = [
        {**p, 'pred_relevant_windows': [[*w, 1.0] for w in a['relevant_windows']]}
        for p, a in zip(predictions, annotations)
    ]
    for name, rows in (('a', better), ('b', predictions), ('gt', annotations)):
        write_jsonl(tmp_path / f'{name}.jsonl', rows)
    return tmp_path


def test_the_tool(files):
    tool, gt = 'analysis_tools/compare_predictions.py', ['--gt', files / 'gt.jsonl']
    options = ['--draws', '200', '--out', files / 'out.json', '--slices']
    text = run_tool(tool, files / 'a.jsonl', files / 'b.jsonl', *gt, *options)
    assert '| MR-full-mAP ' in text
    assert '3 or more' in text
    result = json.loads((files / 'out.json').read_text())
    row = next(row for row in result['all'] if row['figure'] == 'MR-full-R1@0.7')
    assert row['mean'][0] == 100
    assert row['difference'] > 0
    assert row['p'] < 0.05
    one = run_tool(tool, files / 'a.jsonl', *gt, '--figures', 'MR-full-mIoU', '--draws', '50', '--unit', 'query')
    assert 'A - B' not in one and '| MR-full-mIoU | 30 ' in one
    assert "error: --figures ['MR']: not among" in run_tool(tool, files / 'a.jsonl', *gt, '--figures', 'MR', check=2)
    assert 'no such file' in run_tool(tool, files / 'c.jsonl', *gt, check=2)


def test_the_tool_on_some_of_the_queries(files):
    """A has the queries 0 to 19, B 10 to 29: 10 are compared."""
    for name, part in (('a', slice(0, 20)), ('b', slice(10, 30))):
        path = files / f'{name}.jsonl'
        write_jsonl(path, read_jsonl(path)[part])
    tool, both = 'analysis_tools/compare_predictions.py', [files / 'a.jsonl', files / 'b.jsonl']
    options = ['--gt', files / 'gt.jsonl', '--draws', '50', '--figures', 'MR-full-R1@0.7']
    assert 'no prediction for 10 of 30 queries' in run_tool(tool, *both, *options, check=2)
    text = run_tool(tool, *both, *options, '--subset')
    assert '--subset: 10 of 30 queries are compared' in text
    assert '| MR-full-R1@0.7 | 10 ' in text
    write_jsonl(both[1], read_jsonl(both[1])[10:])
    assert 'no query is in all of' in run_tool(tool, *both, *options, '--subset', check=2)
