"""What the QVHighlights leaderboard takes."""

import copy

import pytest
from run_helpers import run_tool

from mmvmr.evaluation.functional import InputError, check_submission
from mmvmr.utils.io import read_jsonl, write_jsonl


def rows(count=4):
    annotations = [{'qid': i, 'query': f'q{i}', 'vid': f'v{i}', 'duration': 150} for i in range(count)]
    predictions = [
        {
            **{key: row[key] for key in ('qid', 'query', 'vid')},
            'pred_relevant_windows': [[0.0, 10.0, 0.9], [20.0, 30.0, 0.4]],
            'pred_saliency_scores': [0.1 * i for i in range(75)],
        }
        for row in annotations
    ]
    return predictions, annotations


def changed(key, value):
    predictions, annotations = rows()
    predictions = copy.deepcopy(predictions)
    predictions[2][key] = value
    return predictions, annotations


def test_nothing_to_say():
    assert check_submission(*rows()) == []


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('vid', 'v9', r"vid is 'v9', but GT has 'v2'"),
        ('query', None, "query is None, but GT has 'q2'"),
        ('qid', 9, 'this qid is not in GT'),
        ('pred_relevant_windows', [], 'pred_relevant_windows is empty, which the official evaluator does not survive'),
        ('pred_relevant_windows', None, 'pred_relevant_windows is missing'),
        ('pred_relevant_windows', [[0, 1]], r'expected \[start, end, score\]'),
        ('pred_saliency_scores', None, 'pred_saliency_scores is missing'),
        ('pred_saliency_scores', [0.0] * 76, '76 clip scores for a video of 75 clips'),
        ('pred_saliency_scores', [float('nan')], 'expected a finite number'),
    ],
)
def test_refused(key, value, message):
    with pytest.raises(InputError, match=rf'^S entry 3 \(qid [29]\): .*{message}'):
        check_submission(*changed(key, value), 'S', 'GT')


def test_a_query_is_lost():
    predictions, annotations = rows()
    with pytest.raises(InputError, match=r'^predictions: no prediction for 1 of 4 queries of the annotations'):
        check_submission(predictions[1:], annotations)


WINDOWS, SALIENCY = 'pred_relevant_windows', 'pred_saliency_scores'


@pytest.mark.parametrize(
    ('key', 'value', 'remark'),
    [
        (WINDOWS, [[0, 1, 0.5]] * 11, 'more than 10 moments: those after them do not count'),
        (
            WINDOWS,
            [[0, 1, 0.5], [0, 2, 0.9]],
            'moments that are not sorted by score: R1 takes the first, mAP the best',
        ),
        (WINDOWS, [[0, 151, 0.5]], 'moments outside of the video'),
        (WINDOWS, [[4, 4, 0.5]], 'moments without length'),
        (SALIENCY, [0.5, 0.7], 'fewer clip scores than clips: the evaluator takes 0 for the others'),
        (SALIENCY, [0.5] * 75, 'scores that are all equal'),
    ],
)
def test_remarks(key, value, remark):
    assert check_submission(*changed(key, value)) == [f'1 entries: {remark} (first: qid 2)']


def test_the_score_of_a_single_clip_may_be_what_it_is():
    predictions, annotations = rows(1)
    annotations[0]['duration'] = 2
    predictions[0].update(pred_relevant_windows=[[0, 2, 0.5]], pred_saliency_scores=[0.5])
    assert check_submission(predictions, annotations) == []


def test_the_tool(tmp_path):
    predictions, annotations = rows()
    for name, content in (
        ('gt.jsonl', annotations),
        ('hl_val_submission.jsonl', predictions),
        ('x.jsonl', predictions),
    ):
        write_jsonl(tmp_path / name, content)
    tool, gt = 'analysis_tools/check_submission.py', ['--gt', tmp_path / 'gt.jsonl']
    assert 'note' not in run_tool(tool, tmp_path / 'hl_val_submission.jsonl', *gt)
    assert 'note: the leaderboard knows the names' in run_tool(tool, tmp_path / 'x.jsonl', *gt)
    write_jsonl(tmp_path / 'x.jsonl', predictions[:2])
    assert 'error: ' in run_tool(tool, tmp_path / 'x.jsonl', *gt, check=2)


@pytest.mark.parametrize('name', ['qd_detr_best', 'cg_detr_best', 'moment_detr_sample'])
def test_published_files_pass(shared_dir, name):
    path = shared_dir / f'data/predictions/{name}.qvhighlights_val.jsonl'
    truth = shared_dir / 'data/annotations/qvhighlights/highlight_val_release.jsonl'
    if not path.is_file() or not truth.is_file():
        pytest.skip(f'{path.name} absent')
    assert any('fewer clip scores' in remark for remark in check_submission(read_jsonl(path), read_jsonl(truth)))
