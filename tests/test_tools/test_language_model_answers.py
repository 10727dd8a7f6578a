"""Answers of language models: every form, read by hand, to a file that is scored."""

import json

import pytest
from test_tools.test_converters import tool

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.preparation.converters.answers import windows_of_answer
from mmvmr.utils import read_jsonl
from mmvmr.utils.io import write_jsonl

ONE = [(12.5, 17.0)]
READ = {
    'from 12.5 to 17.0 seconds': ONE,
    'The event happens in 12.5 - 17.0 seconds.': ONE,
    'The event happens in 00:12 - 00:17': [(12, 17)],
    'It lasts from 1:02.5 to 1:00:05.': [(62.5, 3605)],
    '12.5s\u201317s': ONE,
    'Between 12.5 and 17.0 s, a man runs.': ONE,
    'It starts at 12.5 seconds and ends at 17 seconds.': ONE,
    'start:12.5, end: 17.0': ONE,
    '[[12, 17]]': [(12, 17)],
    '[12.5, 17]': ONE,
    '[[12, 17], [3, 4.5]]': [(12, 17), (3, 4.5)],
    'The moments are [12.5, 17.0] and (3, 4).': [(12.5, 17), (3, 4)],
    '12-17, 20-25': [(12, 17), (20, 25)],
    '{"start": 12.5, "end": 17.0}': ONE,
    '{"end_time": "00:17", "start_time": "00:12.5"}': ONE,
    '```json\n[{"start": 12.5, "end": 17, "label": "a run of 5 s"}]\n```': ONE,
    '{"moments": [[12.5, 17.0]]}': ONE,
    '<think>Perhaps 3 to 4?</think><answer>12.5 to 17.0</answer>': ONE,
    'from 10% to 25%': [(20, 50)],
    '10 - 25 percent': [(20, 50)],
    '["10%", "25%"]': [(20, 50)],
    'In this video of 40 seconds it happens from 12.5 to 17.0.': ONE,
    'from second 12.5 to second 17': ONE,
    'It starts at second 12.5 and ends at second 17.': ONE,
    'between second 12.5 and second 17': ONE,
    '**Start:** 12.5\n**End:** 17': ONE,
    '**Start**: 12.5 s\n**End**: 17 s\n**Start**: 20 s\n**End**: 25 s': [*ONE, (20, 25)],
    '1) 12.5 to 17\n2) 20 to 25': [*ONE, (20, 25)],
    'The event is in [12.5, 17) of the video.': ONE,
    'Between 12.5 and 17 a man runs.': ONE,
    '12.5 - 17\nPeople dance.': ONE,
    '20 - 15': [(20, 15)],  # a window that ends before it starts is read; the converter reports it
}
NOTHING = [
    '[]', '[[]]', 'null', '{"start": null, "end": null}', 'None.', 'No', 'There is no such moment.', '"not present"',
    'The event does not happen in the video.', 'It doesn\u2019t ever appear.', 'It cannot be found.', 'Not present',
]  # fmt: skip
UNREADABLE = [
    '', 'A man runs.', 'at 12 seconds', '12', '12 and 17', '[12, 17, 20]', '[[12, 17], [20]]', '{"start": 12}',
    '[true, false]', '12 - 17 minutes', 'from 1 minute 5 seconds to 9 seconds', 'frames 12 to 17', '1,234 - 1,300',
    '12:70 - 13:00', '10% - 20 s', 'It does not happen from 12 to 17.', '<think>Perhaps 3 to 4', '-3 - 5', '{"a": 1}',
    '[' * 5000, '1' * 50000 + ' s', 'Moment 1 - 12 to 17',
    '[[12, 17], [20', '[[12, 17], [20, 25]', '[[12, 17],', '```json\n[[12, 17], [20', '(12 - 17',
    '{"start": 12, "end": 1', 'between 5 and 10 people dance', '5 to 10 people', 'I see 5-10 men from 12 to 17 s',
    'second 12', 'The second 5 people',
]  # fmt: skip


@pytest.mark.parametrize('text', READ)
def test_forms(text):
    assert windows_of_answer(text, duration=200.0) == [pytest.approx(window) for window in READ[text]]


@pytest.mark.parametrize('text', NOTHING)
def test_nothing(text):
    assert windows_of_answer(text, 200.0) == []


@pytest.mark.parametrize('text', UNREADABLE)
def test_unreadable(text):
    assert windows_of_answer(text, 200.0) is None


def test_percent():
    """Numbers without a unit follow the option; those with one never do."""
    assert windows_of_answer('10 - 25', 200.0, percent=True) == [(20, 50)]
    assert windows_of_answer('[[10, 25]]', 200.0, percent=True) == [(20, 50)]
    assert windows_of_answer('10 s - 25 s', 200.0, percent=True) == [(10, 25)]
    assert windows_of_answer('second 10 to second 25', 200.0, percent=True) == [(10, 25)]
    assert windows_of_answer('00:10 - 00:25', 200.0, percent=True) == [(10, 25)]


@pytest.fixture
def convert(tmp_path):
    """Convert answers to the queries 0, 1, ... of videos of 40 s, all with the moment from 10 to 20 s."""
    source, truth, out = (tmp_path / name for name in ('answers.jsonl', 'gt.jsonl', 'preds.jsonl'))

    def run(answers, *options):
        row = dict(query='a man runs', duration=40, relevant_windows=[[10, 20]])
        write_jsonl(truth, [{'qid': i, 'vid': f'v{i}', **row} for i in range(len(answers))])
        rows = [{'qid': i, 'answer': text} if isinstance(text, str) else text for i, text in enumerate(answers)]
        write_jsonl(source, rows)
        status = tool('language_model_answers', source, '--gt', truth, '--out', out, *options)
        return status, read_jsonl(out) if out.exists() else None, truth

    return run


def test_file_is_scored(convert, capsys):
    status, rows, truth = convert(['10 to 20', '[[0, 5], [10, 20], [30, 40]]', {'qid': '2', 'answer': 'None'}])
    assert status == 0
    assert rows[0] == {'qid': 0, 'query': 'a man runs', 'vid': 'v0', 'pred_relevant_windows': [[10, 20, 1]]}
    assert rows[1]['pred_relevant_windows'] == [[0, 5, 1], [10, 20, 1 / 2], [30, 40, 1 / 3]]
    assert rows[2]['qid'] == 2 and rows[2]['pred_relevant_windows'] == []
    assert '3 of 3 queries, 4 moments, 1 answers of no moment, 0 unreadable, 0 changes' in capsys.readouterr().out
    report = evaluate_predictions(rows, read_jsonl(truth), protocol='charades')
    assert report['brief']['MR-full-R1@0.5'] == pytest.approx(100 / 3, abs=0.01)  # the first answer only


def test_unreadable_is_told(convert, capsys):
    """The file is written with an empty list; line and text are printed; the status is 1."""
    status, rows, _ = convert(['10 to 20', 'a cat, I think'])
    assert status == 1 and [len(row['pred_relevant_windows']) for row in rows] == [1, 0]
    out = capsys.readouterr().out
    assert "answers.jsonl:2: no time span can be read from 'a cat, I think'" in out and '1 unreadable' in out


def test_outside_and_reversed(convert, capsys):
    answers = ['30 to 55', '[[20, 10], [50, 60], [1, 2]]', '39 to 40.05', '12 to 12']
    status, rows, _ = convert(answers)
    assert status == 1 and rows is None
    out = capsys.readouterr().out
    assert 'answers.jsonl:1: window [30.0, 55.0] is outside the video, which lasts 40 s; --fix' in out
    assert 'answers.jsonl:2: window [20.0, 10.0] ends before it starts' in out and out.count('--fix') == 3
    status, rows, _ = convert(answers, '--fix')
    windows = [row['pred_relevant_windows'] for row in rows]
    assert status == 0 and windows == [[[30, 40, 1]], [[1, 2, 1]], [[39, 40.05, 1]], [[12, 12, 1]]]
    assert capsys.readouterr().out.count('dropped') == 2


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ({'qid': 9, 'answer': '1 to 2'}, 'answers.jsonl:2: qid is 9, which the annotations lack'),
        ({'qid': 0, 'answer': '1 to 2'}, 'answers.jsonl:2: qid is 0 as in'),
        ({'qid': 1, 'text': '1 to 2'}, "answers.jsonl:2: answer is missing, found ['qid', 'text']; --key"),
        ({'qid': 1, 'answer': [1, 2]}, 'answers.jsonl:2: answer is [1, 2], expected text'),
    ],
)
def test_wrong_rows(convert, capsys, row, message):
    status, rows, _ = convert(['10 to 20', row])
    assert status == 1 and rows is None and message in capsys.readouterr().out


def test_key_and_input(convert, tmp_path, capsys):
    status, rows, truth = convert([{'qid': 0, 'text': '10 to 20'}], '--key', 'text')
    assert status == 0 and json.dumps(rows[0]['pred_relevant_windows']) == '[[10.0, 20.0, 1.0]]'
    with pytest.raises(SystemExit):
        tool('language_model_answers', tmp_path / 'answers.jsonl', '--gt', truth, '--out', truth)
    assert 'is the input, which is never changed' in capsys.readouterr().err
