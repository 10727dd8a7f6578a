"""Bad predictions, empty length ranges, missing labels, and life without torch."""

import copy
import json
import math
import re
import subprocess
import sys
import textwrap

import pytest
from eval_data import random_rows

from mmvmr.evaluation.functional import (
    InputError,
    Protocol,
    evaluate_clip_labels,
    evaluate_predictions,
    get_protocol,
    protocol_names,
    register_protocol,
    report_to_json,
    unit_notes,
)
from mmvmr.evaluation.functional.validation import check_annotations, check_predictions


@pytest.fixture
def rows():
    return copy.deepcopy(random_rows(0, count=12))


def strict_json(text):
    def refuse(constant):
        raise AssertionError(f'{constant} is not JSON')

    return json.loads(text, parse_constant=refuse)


def _set(index, key, value):
    def change(predictions):
        predictions[index][key] = value

    return change


def _rename(index, key, name):
    def change(rows):
        rows[index][name] = rows[index].pop(key)

    return change


BAD = {
    'misspelt': (
        _rename(2, 'pred_relevant_windows', 'pred_relevant_window'),
        r"PREDS entry 3 \(qid 2\): nothing reads the key 'pred_relevant_window'; did you mean pred_relevant_windows\?",
    ),
    'unknown': (_set(3, 'qid', 999), r'entry 4 \(qid 999\): this qid is not in GT\. .*another split'),
    'other type': (_set(3, 'qid', '3'), r"entry 4 \(qid '3'\).*It has 3: write qids as int"),
    'missing': (lambda p: p.pop(5), r'PREDS: no prediction for 1 of 12 queries of GT \(first: \[5\]\)'),
    'duplicate': (lambda p: p.append(p[2]), r'entry 13: qid 2 occurs twice \(first as entry 3\)'),
    'no qid': (lambda p: p[1].pop('qid'), r'entry 2: qid is None'),
    'nan': (
        _set(6, 'pred_relevant_windows', [[0, 2, 0.5], [0, math.nan, 0.5]]),
        r'entry 7 \(qid 6\): end of pred_relevant_windows\[1\] is nan, expected a finite number',
    ),
    'huge': (_set(6, 'pred_relevant_windows', [[0, 10**400, 0.5]]), 'entry 7 .*expected a finite number'),
    'text': (_set(0, 'pred_relevant_windows', [['0', '2', '0.9']]), r"start of pred_relevant_windows\[0\] is '0'"),
    'null': (_set(0, 'pred_relevant_windows', [[0, 2, None]]), r'score of pred_relevant_windows\[0\] is None'),
    'bool': (_set(0, 'pred_relevant_windows', [[0, 2, True], [0, 2, '1']]), r'\[0\] is True, expected a number'),
    'bool start': (_set(0, 'pred_relevant_windows', [[True, 2, 0.5]]), r'start of .*\[0\] is True, expected a number'),
    'pair': (_set(0, 'pred_relevant_windows', [[0, 2]]), r'\[0\] is \[0, 2\], expected \[start, end, score\]'),
    'ragged': (_set(0, 'pred_relevant_windows', [[0, 2, 1], [0, 2]]), r'\[1\] is \[0, 2\], expected \[start, end'),
    'flat': (_set(0, 'pred_relevant_windows', [0, 2, 0.9]), r'\[0\] is 0, expected \[start, end, score\]'),
    'not a list': (_set(0, 'pred_relevant_windows', 7), r'pred_relevant_windows is 7, expected a list'),
    'backwards': (_set(4, 'pred_relevant_windows', [[0, 2, 1], [8, 6, 1]]), r'\[1\] ends before it starts \(8 > 6\)'),
    'saliency nan': (_set(0, 'pred_saliency_scores', [1.0, math.inf]), r'pred_saliency_scores\[1\] is inf'),
    'saliency text': (_set(0, 'pred_saliency_scores', ['a']), r"pred_saliency_scores\[0\] is 'a', expected a number"),
    'saliency empty': (_set(0, 'pred_saliency_scores', []), 'expected a list with one number per clip'),
    'saliency on some': (lambda p: p[7].pop('pred_saliency_scores'), r'entry 8 \(qid 7\).*is missing, but 11 of 12'),
    'nothing': (lambda p: p.clear(), 'PREDS: empty'),
    'neither': (
        lambda p: p.__setitem__(slice(None), [{'qid': row['qid']} for row in p]),
        'entry 1: neither pred_relevant_windows nor pred_saliency_scores found, nothing to score$',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_predictions(case, rows):
    predictions, annotations = rows
    change, message = BAD[case]
    change(predictions)
    with pytest.raises(InputError, match=message) as error:
        evaluate_predictions(predictions, annotations, source='PREDS', reference='GT')
    assert str(error.value).startswith(('PREDS: ', 'PREDS entry '))


BAD_TRUTH = {
    'misspelt': (
        _rename(4, 'relevant_windows', 'relevant_window'),
        r"GT entry 5 \(qid 4\): nothing reads the key 'relevant_window'; did you mean relevant_windows\?",
    ),
    'other name': (_rename(4, 'relevant_windows', 'timestamps'), "'timestamps'; did you mean relevant_windows"),
    'misspelt ratings': (_rename(4, 'saliency_scores', 'saliency_score'), 'did you mean saliency_scores'),
    'duplicate': (lambda a: a.append(a[0]), 'GT entry 13: qid 0 occurs twice'),
    'backwards': (_set(2, 'relevant_windows', [[6, 2]]), r'GT entry 3 \(qid 2\): relevant_windows\[0\] ends before'),
    'clip outside': (
        lambda a: a[1].update(duration=20, relevant_clip_ids=[10], saliency_scores=[[1, 1, 1]]),
        r'clip numbers from 0 to 9 \(duration 20 s, clips of 2.0 s\), found 10',
    ),
    'lengths': (
        lambda a: a[1].update(relevant_clip_ids=[1, 2], saliency_scores=[[1, 1, 1]]),
        '2 relevant_clip_ids but 1',
    ),
    'no list': (_set(2, 'relevant_windows', {}), r'relevant_windows is \{\}, expected a list'),
    'no windows': (_set(2, 'relevant_windows', 0), r'relevant_windows is 0, expected a list'),
    'odd ratings': (
        lambda a: a[0].update(relevant_clip_ids=[1], saliency_scores={'a': 1}),
        'relevant_clip_ids and saliency_scores must be lists',
    ),
    'odd clips': (lambda a: a[1].update(relevant_clip_ids=['x'], saliency_scores=[[1, 1, 1]]), 'must be clip numbers'),
    'half clips': (lambda a: a[1].update(relevant_clip_ids=[1.5], saliency_scores=[[1, 1, 1]]), 'must be clip numbers'),
    'clip twice': (
        lambda a: a[1].update(duration=20, relevant_clip_ids=[3, 1, 3], saliency_scores=[[1], [1], [2]]),
        r'GT entry 2 \(qid 1\): relevant_clip_ids has clip 3 twice',
    ),
    'annotators': (
        lambda a: [row.update(relevant_clip_ids=[1], saliency_scores=[[1, 2, 3][: 3 - row['qid'] % 2]]) for row in a],
        r'GT entry 2 \(qid 1\): saliency_scores has 2 annotators, entry 1 \(qid 0\) has 3; give all clips',
    ),
    'no table': (lambda a: a[1].update(relevant_clip_ids=[1], saliency_scores=[3]), 'not a table of numbers'),
}


@pytest.mark.parametrize('case', BAD_TRUTH)
def test_bad_annotations(case, rows):
    predictions, annotations = rows
    change, message = BAD_TRUTH[case]
    change(annotations)
    with pytest.raises(InputError, match=message) as error:
        evaluate_predictions(predictions, annotations, reference='GT')
    assert str(error.value).startswith(('GT: ', 'GT entry '))


@pytest.mark.parametrize('protocol', ['qvhighlights', 'charades', 'gmr'])
def test_windows_without_length_are_no_ground_truth(protocol):
    """NA-VMR writes [0, 0] for "no moment", which counted as a miss of every prediction."""
    annotations = [{'qid': qid, 'duration': 30, 'relevant_windows': [[5, 15]]} for qid in (1, 2)]
    predictions = [{'qid': qid, 'pred_relevant_windows': [[5, 15, 0.9]]} for qid in (1, 2)]
    evaluate_predictions(predictions, annotations, protocol)
    annotations[1]['relevant_windows'] = [[0, 0]]
    message = r'GT entry 2 \(qid 2\): relevant_windows\[0\] is \[0, 0\].*without length.*na_vmr\.py.*--protocol gmr'
    with pytest.raises(InputError, match=message):
        evaluate_predictions(predictions, annotations, protocol, reference='GT')


@pytest.mark.parametrize(
    ('change', 'name', 'text'),
    [
        (lambda p, a: p[0].update(pred_relevant_windows=[[5000, 15000, 1]]), 'P', '2 of 2 .* milliseconds or frames'),
        (lambda p, a: [row.update(relevant_windows=[[31, 40]]) for row in a], 'GT', '2 of 2 .* milliseconds'),
        (lambda p, a: [row.update(relevant_windows=[[0.2, 1]]) for row in a], 'GT', 'within 1 s.* fractions'),
        (lambda p, a: [row.update(pred_relevant_windows=[[0, 0.5, 1]]) for row in p], 'P', 'within 1 s.* fractions'),
    ],
)
def test_times_that_are_not_seconds(change, name, text):
    annotations = [{'qid': qid, 'duration': 30, 'relevant_windows': [[5, 15]]} for qid in (1, 2)]
    predictions = [{'qid': qid, 'pred_relevant_windows': [[5, 15, 0.9]]} for qid in (1, 2)]
    predictions[1]['pred_relevant_windows'] = [[40, 50, 0.9]]  # one of two begins after the end: no sign yet
    assert unit_notes(predictions, annotations, 'P', 'GT') == []
    change(predictions, annotations)
    [note] = unit_notes(predictions, annotations, 'P', 'GT')
    assert re.match(f'{name}: .*{text}', note)
    assert unit_notes(predictions, [{'qid': 1}, {'qid': 2, 'duration': '30'}], 'P', 'GT') == []


def test_files_without_a_name(rows):
    predictions, annotations = rows
    with pytest.raises(InputError, match=r'^predictions: no prediction for 1 of 12 queries of the annotations '):
        check_predictions(predictions[1:], annotations)
    with pytest.raises(InputError, match=r'^predictions entry 1: neither .* nothing to score$'):
        check_predictions([{'qid': 0}], annotations[:1])
    with pytest.raises(InputError, match=r'^annotations entry 13: qid 0 occurs twice'):
        check_annotations([*annotations, annotations[0]])


def test_predictions_of_another_data_set(rows):
    predictions, annotations = rows
    expected = evaluate_predictions(predictions, annotations)
    for row in (*annotations, *predictions):
        row['vid'] = '7'
    annotations[0]['vid'] = 7
    assert evaluate_predictions(predictions, annotations) == expected
    predictions[2]['vid'] = 'other'
    with pytest.raises(InputError, match=r"entry 3 \(qid 2\): vid is 'other', but GT has '7' .* of another data set"):
        evaluate_predictions(predictions, annotations, reference='GT')


def test_predictions_of_another_sentence(rows):
    """Case, spaces and a final full stop are how a sentence is typed; words are what is asked."""
    predictions, annotations = rows
    expected = evaluate_predictions(predictions, annotations)
    for row in annotations:
        row['query'] = f'A person sits down {row["qid"]}.'
    del predictions[0]['query']
    for row in predictions[1:]:
        row['query'] = f'a  person sits down {row["qid"]}'
    assert evaluate_predictions(predictions, annotations) == expected
    predictions[2]['query'] = 'a person stands up'
    with pytest.raises(InputError, match=r"entry 3 \(qid 2\): query is 'a person stands up', but GT has 'A person"):
        evaluate_predictions(predictions, annotations, reference='GT')


def test_qids_may_be_strings(rows):
    predictions, annotations = rows
    expected = evaluate_predictions(predictions, annotations)
    for row in (*predictions, *annotations):
        row['qid'] = f's30-d52_{row["qid"]}'
    assert evaluate_predictions(predictions, annotations) == expected


def test_subset_scores_what_is_there(rows):
    predictions, annotations = rows
    expected = evaluate_predictions(predictions[:6], annotations[:6])
    assert evaluate_predictions(predictions[:6], annotations, subset=True) == expected


def test_empty_length_range_is_nan_with_a_reason():
    annotations = [{'qid': 'a', 'duration': 30.5, 'relevant_windows': [[2, 8.5]]}]
    predictions = [{'qid': 'a', 'pred_relevant_windows': [[2, 8.5, 1.0]]}]
    report = evaluate_predictions(predictions, annotations, 'charades')
    assert report['brief']['MR-full-mAP'] == report['brief']['MR-short-mAP'] == 100
    assert math.isnan(report['brief']['MR-long-mAP'])
    assert all(math.isnan(v) for v in report['long']['MR-mAP'].values())
    assert all(math.isnan(v) for v in report['long']['MR-R5'].values())
    assert report['reasons'] == {
        'long': 'no query has a ground-truth moment longer than 30 s',
        'middle': 'no query has a ground-truth moment longer than 10 s and at most 30 s',
    }
    written = strict_json(report_to_json(report))
    assert written['brief']['MR-long-mAP'] is None
    assert set(written['long']['MR-mAP']) == set(written['full']['MR-mAP'])


def test_query_without_predictions_scores_zero():
    annotations = [{'qid': q, 'duration': 30, 'relevant_windows': [[2, 8]]} for q in (1, 2)]
    predictions = [{'qid': 1, 'pred_relevant_windows': [[2, 8, 1.0]]}, {'qid': 2, 'pred_relevant_windows': []}]
    brief = evaluate_predictions(predictions, annotations, 'charades')['brief']
    assert {brief[k] for k in ('MR-full-mAP', 'MR-full-R1@0.5', 'MR-full-R5@0.5', 'MR-full-mIoU')} == {50.0}


def test_what_cannot_be_scored_is_said(rows):
    predictions, annotations = rows
    for row in annotations[:4]:
        row['relevant_windows'] = None
    for row in predictions:
        del row['pred_saliency_scores']
    report = evaluate_predictions(predictions, annotations)
    assert report['reasons']['MR'] == '4 of 12 queries have no relevant_windows'
    assert report['reasons']['HL'] == 'the predictions have no pred_saliency_scores'
    assert not any(key.startswith('HL') for key in (*report, *report['brief']))
    for row in annotations:
        del row['relevant_windows']
    with pytest.raises(InputError, match='nothing to score against the annotations: MR: no annotation has relevant'):
        evaluate_predictions(predictions, annotations)


def test_what_has_no_ratings_is_said(rows):
    predictions, annotations = rows
    for row in annotations[:4]:
        row['saliency_scores'] = None
    assert evaluate_predictions(predictions, annotations)['reasons'] == {
        'HL': '4 of 12 queries have no highlight ratings'
    }
    for row in annotations:
        row['saliency_scores'] = None
    report = evaluate_predictions(predictions, annotations)
    assert report['reasons'] == {'HL': 'no annotation has relevant_clip_ids and saliency_scores'}
    for row in annotations:
        row.pop('relevant_windows')
    message = '^PREDS: nothing to score against GT: MR: no annotation has .*; HL: no annotation has relevant_clip_ids'
    with pytest.raises(InputError, match=message):
        evaluate_predictions(predictions, annotations, source='PREDS', reference='GT')


def test_clip_labels_of_nothing_and_of_something():
    report = evaluate_clip_labels([], [], 'tvsum')
    assert math.isnan(report['brief']['HL-mAP'])
    assert report['reasons'] == {'HL-labels': 'there is no query with clip labels'}
    report = evaluate_clip_labels([[0.9, 0.1]], [{'label': [[5], [1]]}], 'tvsum')
    assert report == {'brief': {'HL-mAP': 100.0}, 'HL-labels': {'HL-mAP': 100.0}, 'reasons': {}}
    with pytest.raises(ValueError, match=r"^protocol 'charades' has no clip_rule$"):
        evaluate_clip_labels([[0.9]], [{'label': [[5]]}], 'charades')


def test_tool_names_the_truncated_line(tmp_path, repo_dir, rows):
    predictions, annotations = rows
    text = '\n'.join(json.dumps(row) for row in predictions)
    (tmp_path / 'preds.jsonl').write_text(text[:-20])
    (tmp_path / 'gt.jsonl').write_text('\n'.join(json.dumps(row) for row in annotations))
    done = subprocess.run(
        [sys.executable, repo_dir / 'tools/analysis_tools/eval_predictions.py', 'preds.jsonl', 'gt.jsonl'],
        cwd=tmp_path,
        env={'PYTHONPATH': str(repo_dir)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith('error: preds.jsonl:12: not valid JSON')
    assert 'Traceback' not in done.stderr


def test_protocols():
    assert protocol_names()[:4] == ['qvhighlights', 'charades', 'tacos', 'activitynet']
    with pytest.raises(ValueError, match="protocol='qvhl' is unknown, expected 'qvhighlights'"):
        get_protocol('qvhl')
    with pytest.raises(ValueError, match="'tacos' is registered already"):
        register_protocol(get_protocol('tacos'))
    with pytest.raises(ValueError, match=r'brief_recall asks for \[0\.05\], which is not in recall_thresholds'):
        Protocol('x', lengths={'full': None}, brief_recall=(0.05,))
    with pytest.raises(ValueError, match='ranks'):
        Protocol('x', lengths={'full': None}, ranks=(1, 50))


def test_works_without_torch_and_mmengine(repo_dir):
    code = """
        import sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split('.')[0] in ('torch', 'mmengine', 'mmcv', 'scipy', 'sklearn'):
                    raise ImportError(f'{name} is blocked')
        sys.meta_path.insert(0, Blocked())
        from mmvmr.evaluation import functional
        report = functional.evaluate_predictions(
            [{'qid': 1, 'pred_relevant_windows': [[0, 4, 1]]}],
            [{'qid': 1, 'duration': 9, 'relevant_windows': [[0, 4]]}], 'tacos')
        print(report['brief']['MR-full-mAP'])
        try:
            from mmvmr.evaluation import MomentRetrievalMetric
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code)],
        env={'PYTHONPATH': str(repo_dir)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == '100.0'
    assert 'is blocked' in second


def test_ratings_that_are_not_scored_may_have_other_clips():
    """Clips of 1 s, which the protocol of QVHighlights refuses and that of Charades does not look at."""
    truth = dict(qid=1, vid='v', query='a dog', duration=10, relevant_windows=[[7, 9]])
    truth.update(relevant_clip_ids=[7, 8], saliency_scores=[[1], [2]])
    row = {'qid': 1, 'pred_relevant_windows': [[7, 9, 0.5]]}
    assert evaluate_predictions([row], [truth], 'charades')['brief']['MR-full-R1@0.7'] == 100
    with pytest.raises(InputError, match='clip numbers from 0 to 4'):
        evaluate_predictions([row], [truth], 'qvhighlights')
