"""TimeLens-Bench: annotations, results of its evaluation, and the figures of both."""

import importlib.util
import re

import pytest
from run_helpers import REPO

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.utils import read_jsonl
from mmvmr.utils.io import write_json, write_jsonl

OBJECT = {
    'AB12': {
        'duration': 30.5,
        'spans': [[2.0, 12.0], [20, 25.5], [0.0, 4.0]],
        'queries': ['A person  opens a\n door.', 'A person sits down', 'A person sits down.'],
    },
    'v_x_60.0_210.0': {'duration': 150.0, 'spans': [[10.0, 20.0]], 'queries': ['The dog barks. ']},
}
RESULTS = {
    'AB12.mp4>>>A person opens a door>>>[2.0, 12.0]': {'timestamps': [[7.0, 17.0], [2.0, 12.0]], 'answers': ''},
    'AB12.mp4>>>A person sits down>>>[0.0, 4.0]': {'answers': 'The event happens in 0.0 - 5.0 seconds.'},
    'AB12.mp4>>>A person sits down>>>[20, 25.5]': {'timestamps': [[40.5, 50.5]], 'duration': 30.5},
    'v_x_60.0_210.0.mp4>>>The dog barks>>>[10.0, 20.0]': {'timestamps': [[9, 22]]},
}


def tool(name, *arguments):
    """Run a converter in this process; returns its exit status."""
    spec = importlib.util.spec_from_file_location(name, REPO / 'tools' / 'dataset_converters' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments])


@pytest.fixture
def annotations(tmp_path):
    write_json(tmp_path / 'bench.json', OBJECT)
    assert tool('timelens', tmp_path / 'bench.json', '--out', tmp_path / 'gt.jsonl') == 0
    return tmp_path / 'gt.jsonl'


def test_annotations(annotations):
    rows = read_jsonl(annotations)
    assert rows[0] == dict(
        qid='AB12_0', query='A person opens a door', duration=30.5, vid='AB12', relevant_windows=[[2.0, 12.0]]
    )
    assert [row['qid'] for row in rows] == ['AB12_0', 'AB12_1', 'AB12_2', 'v_x_60.0_210.0_0']
    assert rows[3]['query'] == 'The dog barks'


@pytest.mark.parametrize('form', ['json', 'jsonl'])
def test_results_and_their_figures(annotations, tmp_path, form):
    source = tmp_path / f'result.{form}'
    if form == 'json':
        write_json(source, RESULTS)
    else:
        write_jsonl(source, [{key: value} for key, value in RESULTS.items()])
    assert tool('timelens_results', source, '--gt', annotations, '--out', tmp_path / 'preds.jsonl') == 0
    rows = read_jsonl(tmp_path / 'preds.jsonl')
    assert [row['pred_relevant_windows'] for row in rows] == [
        [[7.0, 17.0, 1.0], [2.0, 12.0, 0.5]],
        [],  # begins after the end of the video
        [[0.0, 5.0, 1.0]],
        [[9.0, 22.0, 1.0]],
    ]
    brief = evaluate_predictions(rows, read_jsonl(annotations), protocol='timelens')['brief']
    # IoU 5/15, 0, 4/5 and 10/13; the official script prints 75.0, 50.0, 50.0 and 47.564 for the same file.
    assert [brief[f'MR-full-R1@{t}'] for t in (0.3, 0.5, 0.7)] == [75.0, 50.0, 50.0]
    assert brief['MR-full-mIoU'] == round(100 * (1 / 3 + 0 + 4 / 5 + 10 / 13) / 4, 2)


@pytest.mark.parametrize(
    ('results', 'message'),
    [
        ({'AB12.mp4>>>A person opens a door': {'timestamps': []}}, 'expected video>>>sentence>>>span'),
        ({'C.mp4>>>A person opens a door>>>[2.0, 12.0]': {'timestamps': []}}, 'is of no query of the annotations'),
        ({'AB12.mp4>>>A person sits down>>>2 to 4': {'timestamps': []}}, "'2 to 4' is not a window"),
        ({'AB12.mp4>>>A person sits down>>>[5, 6]': {'timestamps': []}}, 'is of no query of the annotations'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'text': ''}}, 'an object with timestamps or answers'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'timestamps': [[1]]}}, r'expected \[\[start, end\]'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'timestamps': 5}}, r'are 5, expected \[\[start, end\]'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'timestamps': [5, 6]}}, r'expected \[\[start, end\]'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'timestamps': [[None, 6]]}}, r'expected \[\[start, end\]'),
        ({'AB12.mp4>>>A person opens a door>>>[2, 12]': {'answers': 5}}, 'is 5, expected a text'),
        (
            {f'AB12{end}>>>A person opens a door>>>[2, 12]': {'timestamps': []} for end in ('', '.mp4')},
            "two results are of qid 'AB12_0'",
        ),
        ({}, 'no result in this file'),
    ],
)
def test_results_that_fit_nothing(annotations, tmp_path, capsys, results, message):
    write_json(tmp_path / 'result.json', results)
    with pytest.raises(SystemExit):
        tool('timelens_results', tmp_path / 'result.json', '--gt', annotations, '--out', tmp_path / 'preds.jsonl')
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / 'preds.jsonl').exists()


def test_annotations_that_are_none(tmp_path, capsys):
    write_json(tmp_path / 'result.json', {'AB12>>>a dog>>>[2, 12]': {'timestamps': []}})
    write_jsonl(tmp_path / 'gt.jsonl', [{'qid': 1, 'vid': 'AB12', 'query': 'a dog'}])
    gt, out = tmp_path / 'gt.jsonl', tmp_path / 'preds.jsonl'
    with pytest.raises(SystemExit):
        tool('timelens_results', tmp_path / 'result.json', '--gt', gt, '--out', out)
    assert 'annotation 1: duration is missing' in capsys.readouterr().err


def test_annotations_of_another_form(tmp_path, capsys):
    write_json(tmp_path / 'bench.json', {'a': {'duration': 3.0, 'spans': [[0, 1]], 'queries': 'one'}})
    assert tool('timelens', tmp_path / 'bench.json', '--out', tmp_path / 'gt.jsonl') == 1
    assert "queries are 'one', expected a list" in capsys.readouterr().out
    write_json(tmp_path / 'bench.json', {'a': {'duration': 3.0, 'spans': [[0, 1], [1, 2]], 'queries': ['one']}})
    assert tool('timelens', tmp_path / 'bench.json', '--out', tmp_path / 'gt.jsonl') == 1
    assert 'spans has 2 elements for 1 sentences' in capsys.readouterr().out
