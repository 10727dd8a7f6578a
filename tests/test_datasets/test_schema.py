"""The rules of an annotation row: everything that is wrong is named at once, with where and how to mend it."""

import pytest
from pydantic import ValidationError

from mmvmr.datasets.schema import AnnotationRow, Issue, Rules, row_issues
from mmvmr.utils.row_keys import ANNOTATION_KEYS

ROW = dict(qid=1, query='a dog runs', duration=30.0, vid='v', relevant_windows=[[2.0, 8.0]])
HIGHLIGHTS = dict(qid='v', query='a dog', duration=4, vid='v', relevant_windows=None, label=[[1, 0], [2.0, 1]])


@pytest.mark.parametrize(
    'row',
    [
        ROW,
        {k: ROW[k] for k in ('qid', 'query', 'duration', 'vid')},
        {**ROW, 'relevant_windows': []},
        {**ROW, 'relevant_windows': [[0, 30], [1, 2.5]], 'vid': 7, 'qid': 'a_1'},
        {**ROW, 'relevant_clip_ids': [1, 2], 'saliency_scores': [[1, 2, 3], [4, 0, 2]]},
        {**ROW, 'relevant_clip_ids': [], 'saliency_scores': []},
        {**ROW, 'negative_qids': [3], 'clip': [[0, 100]], 'domain': 'BK'},
        HIGHLIGHTS,
    ],
)
def test_good_rows(row):
    assert row_issues(row) == []
    kept = AnnotationRow.model_validate(row).model_dump(exclude_unset=True)
    assert kept == row, 'further keys are kept, and nothing is converted'


def test_all_issues_of_a_row_are_found_at_once():
    row = dict(query=' ', duration=10, vid=None, relevant_windows=[[3, 1], [2, 40]], saliency_scores=[[1]])
    fields = [(issue.field, issue.problem) for issue in row_issues(row)]
    assert fields == [
        ('qid', 'is missing, expected a number or a name without slashes'),
        ('query', "is ' ', expected a sentence"),
        ('vid', 'is null, expected the name of the video as in the feature files'),
        ('relevant_windows[0]', 'is [3, 1]: start is not before end'),
        ('relevant_windows[1]', 'is [2, 40]: outside the video, which lasts 10 s (tolerance 0.1 s)'),
        ('saliency_scores', 'are given without relevant_clip_ids'),
    ]


def test_windows_are_looked_at_without_a_duration():
    issues = row_issues({**ROW, 'duration': '30', 'relevant_windows': [[8, 2], [2, 900]]})
    assert [issue.field for issue in issues] == ['duration', 'relevant_windows[0]']


def test_a_broken_window_hides_no_ratings():
    issues = row_issues({**ROW, 'relevant_windows': [['2', 8]], 'saliency_scores': [[1]], 'relevant_clip_ids': [1, 2]})
    assert [str(issue) for issue in issues] == [
        "relevant_windows[0][0] is '2', expected a number of seconds; "
        'write [[start, end], ...], or leave the key out where no moment is labelled',
        'saliency_scores has 1 saliency_scores for 2 relevant_clip_ids; write one list of ratings per clip',
    ]


def test_misspelt_keys():
    row = {k: v for k, v in ROW.items() if k != 'relevant_windows'} | {'relevant_window': [[2, 8]]}
    assert row_issues(row) == [Issue('relevant_window', 'is no key of an annotation', 'did you mean relevant_windows?')]
    assert row_issues({**row, 'relevant_windows': [[2, 8]]}) == [], 'a key beside the right one is one of the user'


def test_rules():
    past = {**ROW, 'relevant_windows': [[-1.0, 31.0]]}
    assert row_issues(past, Rules(outside='clip')) == []
    assert row_issues({**ROW, 'relevant_windows': [[0, 31.0]]}, Rules(window_tolerance=1.0)) == []
    assert len(row_issues(past, Rules(window_tolerance=1.0))) == 1
    with pytest.raises(ValueError, match="outside='drop' is unknown, expected 'error' or 'clip'"):
        Rules(outside='drop')


def test_the_model_knows_the_rules_by_itself():
    past = {**ROW, 'relevant_windows': [[2.0, 31.0]]}
    with pytest.raises(ValidationError, match=r'relevant_windows\[0\] is \[2.0, 31.0\]: outside the video'):
        AnnotationRow.model_validate(past)
    assert AnnotationRow.model_validate(past, context=Rules(outside='clip')).relevant_windows == [[2.0, 31.0]]
    assert {'qid', 'query', 'vid', 'duration'} == set(AnnotationRow.model_json_schema()['required'])


def test_the_names_of_the_keys_are_those_of_the_schema():
    assert tuple(AnnotationRow.model_fields) == ANNOTATION_KEYS
