"""Every planted issue is found, told apart from the others, and a clean data set has no finding."""

import dataclasses
import pickle

import numpy as np
import pytest
from planted_data import check, config, kinds, make_rows, save, vectors, write

from mmvmr.datasets.transforms import NegativeQuery, ShiftMoment, SynthesizeVideo
from mmvmr.preparation.checks import Split, check_annotations, check_splits, leakage, open_splits, without
from mmvmr.preparation.checks.annotation_checks import covered
from mmvmr.utils.io import write_json, write_jsonl


def test_clean(tmp_path):
    write(tmp_path)
    assert check(tmp_path) == ([], [])
    assert check(tmp_path, count=2) == ([], [])


def rows_with(change):
    """A issue in the annotations of training: ``change`` gets the rows."""

    def plant(root):
        rows = make_rows('train')
        changed = change(rows)
        write_jsonl(root / 'train.jsonl', rows if changed is None else changed)

    return plant


def window(value, index=3):
    return rows_with(lambda rows: rows[index].update(relevant_windows=value))


def windows(value):
    """The windows of every row of training: ``value`` gets its qid."""
    return rows_with(lambda rows: [dict(row, relevant_windows=value(row['qid'])) for row in rows])


ANNOTATION_ISSUES = {
    'video of val in train': (
        rows_with(lambda rows: [*rows, dict(make_rows('val')[0], qid=99)]),
        ('leakage', 'error', 'train and val'),
        "1 of 3 videos of val are in train too, with 1 sentences word for word ('v6'|v6)",
    ),
    'the same row twice': (
        rows_with(lambda rows: [*rows, dict(rows[4], qid=90, query='Somebody does  thing 0.')]),
        ('duplicates', 'warning', 'train'),
        'repeat an earlier row',
    ),
    'a sentence with two answers': (
        rows_with(lambda rows: rows[5].update(query=rows[4]['query'])),
        ('duplicates', 'warning', 'train'),
        'with other moments',
    ),
    'two durations': (
        rows_with(lambda rows: rows[5].update(duration=21.0)),
        ('durations', 'warning', 'train'),
        "'v2': 20.0 s and 21.0 s",
    ),
    'whole video': (window([[0, 20]]), ('whole_video', 'warning', 'train'), 'qid 3: 0 to 20 of 20 s'),
    'whole video in two parts': (
        window([[0, 12], [12, 19.5]]),
        ('whole_video', 'warning', 'train'),
        'qid 3: 0 to 12, 12 to 19.5 of 20 s',
    ),
    'a window twice': (window([[2, 8], [10, 12], [2, 8]]), ('windows', 'warning', 'train'), 'qid 3: [2, 8]'),
    'windows that overlap': (window([[10, 14], [2, 11]]), ('windows', 'note', 'train'), '[2, 11] and [10, 14]'),
    'window past the end': (window([[12, 20.5]]), ('past_end', 'error', 'train'), 'qid 3: 12 to 20.5 of 20 s'),
    'window before the start': (window([[-1, 2]]), ('past_end', 'error', 'train'), 'qid 3: -1 to 2 of 20 s'),
    'impossible window': (window([[9, 3]]), ('annotations', 'error', 'train'), 'start is not before end'),
    'no duration': (
        rows_with(lambda rows: rows[3].update(duration=None)),
        ('annotations', 'error', 'train'),
        'train.jsonl:4, qid 3',
    ),
    'a qid twice': (
        rows_with(lambda rows: rows[3].update(qid=0)),
        ('annotations', 'error', 'train'),
        'qid is 0, as at line 1',
    ),
}


@pytest.mark.parametrize('name', ANNOTATION_ISSUES)
def test_issues_of_annotations(tmp_path, name):
    plant, expected, text = ANNOTATION_ISSUES[name]
    write(tmp_path)
    plant(tmp_path)
    findings, _ = check(tmp_path)
    findings = [finding for finding in findings if finding.check not in ('missing', 'extra')]  # of the other qid
    assert kinds(findings) == [expected]
    assert findings[0].count == 1
    assert text.split('|')[0].split(" ('")[0] in str(findings[0])
    assert findings[0].advice


def without_key(key, name=None):
    """Row 3 without a key, or with it under another name."""

    def change(rows):
        value = rows[3].pop(key)
        if name is not None:
            rows[3][name] = value

    return rows_with(change)


LABEL_ISSUES = {
    'no windows': (
        without_key('relevant_windows'),
        'labels',
        'train.jsonl:4, qid 3: relevant_windows is missing). Write',
    ),
    'another name': (without_key('relevant_windows', 'timestamps'), 'annotations', 'did you mean relevant_windows?'),
    'upper case': (
        without_key('relevant_windows', 'Relevant_Windows'),
        'annotations',
        'did you mean relevant_windows?',
    ),
    'a key of the pipeline': (rows_with(lambda rows: rows[3].update(views={})), 'annotations', 'the pipeline computes'),
    'a number beyond measure': (window([[1, 1e308]]), 'annotations', 'relevant_windows[0][1] is 1e+308, expected a'),
    'a qid as number and text': (
        rows_with(lambda rows: rows[3].update(qid='0')),
        'annotations',
        "qid is '0', as at line",
    ),
    'contradicting durations': (
        rows_with(lambda rows: rows[5].update(duration=35.0)),
        'annotations',
        "duration is 35.0 s, but 20.0 s at line 5 for the same video 'v2'",
    ),
    'a rating after the end': (
        rows_with(lambda rows: rows[3].update(relevant_clip_ids=[10], saliency_scores=[[1]])),
        'rated_clips',
        'train.jsonl:4, qid 3: clip 10, the last one is 9',
    ),
}


@pytest.mark.parametrize('name', LABEL_ISSUES)
def test_issues_of_labels(tmp_path, name):
    plant, check_name, text = LABEL_ISSUES[name]
    write(tmp_path)
    plant(tmp_path)
    findings = [f for f in check(tmp_path)[0] if f.check not in ('missing', 'extra')]
    assert kinds(findings) == [(check_name, 'error', 'train')]
    assert text in str(findings[0])


def test_ratings_apart_from_the_moments(tmp_path):
    """Window 8 to 14 s is clips 4 to 6 of 2 s each; clip 7 begins where it ends."""
    write(tmp_path)
    rows_with(lambda rows: rows[3].update(relevant_clip_ids=[4, 7], saliency_scores=[[1], [2]]))(tmp_path)
    (finding,) = check(tmp_path)[0]
    assert kinds([finding]) == [('rated_clips', 'warning', 'train')]
    assert 'train.jsonl:4, qid 3: clip 7' in str(finding)


def test_ratings_outside_their_scale(tmp_path):
    """Splits are checked with the scale of the training targets; validation may lack ratings."""
    write(tmp_path)
    pipeline = dict(config(tmp_path).train_dataloader.dataset.pipeline)
    pipeline['targets'] = dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'))
    rated = dict(relevant_clip_ids=[4], saliency_scores=[[4, 0, 5]])
    write_jsonl(
        tmp_path / 'train.jsonl', [dict(row, relevant_windows=[[8, 14]], **rated) for row in make_rows('train')]
    )
    rows = make_rows('val')
    rows[0].update(relevant_windows=[[8, 14]], relevant_clip_ids=[4], saliency_scores=[[-1]])
    write_jsonl(tmp_path / 'val.jsonl', rows)
    splits, _ = open_splits(config(tmp_path, train=dict(pipeline=pipeline)), ['train', 'val'])
    findings = [finding for finding in check_splits(splits) if finding.check == 'labels']
    assert [(f.severity, f.where, f.count) for f in findings] == [('error', 'train', 12), ('error', 'val', 1)]
    assert 'saliency_scores has a rating of 5, expected 0 to 4' in str(findings[0])
    assert 'saliency_scores has a rating of -1, expected 0 to 4' in str(findings[1])


def array(name, value):
    return lambda root: save(root, name, value)


def with_nan(length=10, dim=6):
    values = vectors(length, dim)
    values[3, 2] = np.nan
    return values


def mostly_zero():
    values = vectors(10, 6)
    values[7:] = 0
    return values


def truncate(root):
    path = root / 'a' / 'v1.npz'
    path.write_bytes(path.read_bytes()[:100])


FEATURE_ISSUES = {
    'missing': (lambda root: (root / 'a' / 'v1.npz').unlink(), ('missing', 'error', "train, stream 'a'"), 'v1.npz'),
    'missing words': (
        lambda root: (root / 'text' / 'qid3.npz').unlink(),
        ('missing', 'error', "train, stream 'text'"),
        'qid3.npz',
    ),
    'extra': (array('b/v77', vectors(10, 4)), ('extra', 'warning', 'train + val'), '1 of 10 features'),
    'dimension': (array('a/v1', vectors(10, 7)), ('shape', 'error', "train, stream 'a'"), "'v1': (10, 7)"),
    'dimension of words': (array('text/qid3', vectors(4, 6)), ('shape', 'error', "train, stream 'text'"), 'qid 3'),
    'NaN': (array('a/v1', with_nan()), ('nan', 'error', "train, stream 'a'"), "'v1': 1 of 10 vectors"),
    'zeros': (array('a/v1', mostly_zero()), ('zero', 'warning', "train, stream 'a'"), "'v1': 3 of 10 vectors"),
    'no clip': (array('a/v1', vectors(0, 6)), ('empty', 'error', "train, stream 'a'"), "'v1'"),
    'one vector': (
        array('a/v1', np.repeat(vectors(1, 6), 10, axis=0)),
        ('constant', 'warning', "train, stream 'a'"),
        "1 of 6 arrays repeat one vector ('v1': 10 vectors)",
    ),
    'one file of raw vectors': (
        array('a/v1', 7 * vectors(10, 6)),
        ('norms', 'error', "train, stream 'a'"),
        '1 of 6 arrays are not normalised and the others are',
    ),
    'one stream shorter': (
        array('a/v1', vectors(5, 6)),
        ('stream_lengths', 'error', 'train'),
        "'v1': a 5, b 10 clips",
    ),
    'truncated': (truncate, ('unreadable', 'error', "train, stream 'a'"), "'v1'"),
    'pickle': (
        lambda root: (root / 'a' / 'v1.npz').write_bytes(pickle.dumps([1])),
        ('unreadable', 'error', "train, stream 'a'"),
        'cannot be read',
    ),
}


@pytest.mark.parametrize('name', FEATURE_ISSUES)
def test_issues_of_features(tmp_path, name):
    plant, expected, text = FEATURE_ISSUES[name]
    write(tmp_path)
    plant(tmp_path)
    findings, skipped = check(tmp_path)
    findings = [finding for finding in findings if (finding.check == 'clip_len') == (expected[0] == 'clip_len')]
    assert kinds(findings) == [expected]
    assert findings[0].count == 1
    assert text in str(findings[0])
    assert skipped == []


def test_wrong_clip_length(tmp_path):
    """A wrong clip length is found with the right one; a slightly wrong one is, too."""
    write(tmp_path)
    findings, _ = check(tmp_path, **{'feature_spec.clip_len': 1.0})
    assert kinds(findings) == [('clip_len', 'error', 'train'), ('clip_len', 'error', 'val')]
    assert (findings[0].count, findings[0].total) == (6, 6)
    assert 'a clip lasts about 2 s' in findings[0].advice
    for number in range(6):
        for name, dim in (('a', 6), ('b', 4)):
            save(tmp_path, f'{name}/v{number}', vectors(100, dim, number))
    write_jsonl(tmp_path / 'train.jsonl', [dict(row, duration=215.0) for row in make_rows('train')])
    findings, _ = check(tmp_path)
    assert kinds(findings) == [('clip_len', 'warning', 'train')]
    assert 'a clip lasts about 2.15 s' in findings[0].advice
    findings, skipped = check(tmp_path, **{'pipeline.load.clip_time': 'duration'})
    assert findings == []
    assert {(result.check, result.where) for result in skipped} == {('clip_len', 'train'), ('clip_len', 'val')}


def test_streams_that_are_not_normalised(tmp_path):
    """Raw vectors are a warning where they go into the model as they are, an error where they are said to be ready."""
    write(tmp_path)
    for number in range(9):
        save(tmp_path, f'a/v{number}', 3 * vectors(10, 6, number))
    findings, _ = check(tmp_path)
    assert kinds(findings) == [('norms', 'warning', f"{split}, stream 'a'") for split in ('train', 'val')]
    assert 'lengths 3 to 3' in findings[0].text or 'lengths 2.99 to 3' in findings[0].text
    assert check(tmp_path, **{'feature_spec.streams.a.normalise': 'l2'})[0] == []
    said = {'feature_spec.streams.a.normalise': 'l2', 'feature_spec.streams.a.stored_normalised': True}
    findings, _ = check(tmp_path, **said)
    assert kinds(findings) == [('norms', 'error', f"{split}, stream 'a'") for split in ('train', 'val')]


def test_windows_behind_the_clips_that_are_used(tmp_path):
    write(tmp_path)
    findings, _ = check(tmp_path, **{'feature_spec.max_clips': 4})
    assert kinds(findings) == [('past_clips', 'warning', 'train'), ('past_clips', 'warning', 'val')]
    assert findings[0].count == 6
    assert 'qid 1: 8 to 14 of 20 s' in findings[0].examples


def test_fractions_of_the_video_are_an_error(tmp_path):
    """Twelve rows of videos of 20 s; one moment that ends later, or fewer rows, would be no proof."""
    write(tmp_path)
    windows(lambda qid: [[0.2, 0.5], [0.6, 1.0]])(tmp_path)
    (finding,) = check(tmp_path)[0]
    assert kinds([finding]) == [('units', 'error', 'train')] and finding.count == 12
    assert 'train.jsonl:1, qid 0: [0.2, 0.5] of 20 s' in str(finding)
    findings = check(tmp_path, train={'limit': 9})[0]
    assert kinds(findings) == [('units', 'warning', 'train')]
    windows(lambda qid: [[0.2, 1 + qid / 11]])(tmp_path)
    assert check(tmp_path)[0] == []


def test_features_that_are_all_the_same_are_an_error(tmp_path):
    write(tmp_path)
    for number in range(6):
        save(tmp_path, f'a/v{number}', vectors(10, 6))  # every video has the same ones
        save(tmp_path, f'b/v{number}', np.repeat(vectors(1, 4, number), 10, axis=0))  # one vector, of this video
    findings = check(tmp_path)[0]
    assert kinds(findings) == [('constant', 'error', f'train, stream {name!r}') for name in 'ab']
    assert ': 6 of 6 arrays have the same vectors, all of them.' in str(findings[0])
    assert ': 6 of 6 arrays repeat one vector' in str(findings[1])


def test_moments_after_the_last_clip(tmp_path):
    """Nine clips of 2 s of 20 s are near enough, but what begins at 18 s is lost."""
    write(tmp_path)
    windows(lambda qid: [[18, 20]] if qid else [[17, 20]])(tmp_path)
    for number in range(6):
        for name, dim in (('a', 6), ('b', 4)):
            save(tmp_path, f'{name}/v{number}', vectors(9, dim, number))
    (finding,) = check(tmp_path)[0]
    assert kinds([finding]) == [('past_clips', 'warning', 'train')] and (finding.count, finding.total) == (11, 12)
    assert 'qid 1: 18 to 20 of 20 s, 9 clips of 2 s' in str(finding)
    windows(lambda qid: [[18, 20]])(tmp_path)
    assert kinds(check(tmp_path)[0]) == [('past_clips', 'error', 'train')]


def test_windows_that_are_cut_are_a_warning(tmp_path):
    write(tmp_path)
    window([[12, 25]])(tmp_path)
    findings, _ = check(tmp_path, **{'annotations': dict(outside='clip')})
    assert kinds(findings) == [('past_end', 'warning', 'train')]


def test_whole_videos_that_are_dropped_are_no_finding(tmp_path):
    write(tmp_path)
    window([[0, 20]])(tmp_path)
    (tmp_path / 'text' / 'qid3.npz').unlink()
    assert check(tmp_path, **{'annotations': dict(whole='drop')})[0] == []


def test_a_part_of_the_rows_says_nothing_about_extra_features(tmp_path):
    write(tmp_path)
    findings, skipped = check(tmp_path, train={'limit': 4})
    assert findings == []
    assert [(result.check, result.reason) for result in skipped] == [
        ('extra', 'train has only part of its rows: limit=4')
    ]


def test_what_cannot_be_opened_is_a_finding(tmp_path):
    write(tmp_path)
    (tmp_path / 'val.jsonl').unlink()
    findings, _ = check(tmp_path, train={'feature_spec.streams.c': dict(dim=3)})
    opened = [finding for finding in findings if finding.check == 'open']
    assert kinds(opened) == [('open', 'error', 'train'), ('open', 'error', 'val')]
    assert 'no store for the streams' in str(opened[0])
    assert 'val.jsonl: no such file' in str(opened[1])


def test_a_specification_beside_the_features_is_compared(tmp_path):
    write(tmp_path)
    spec = dict(streams=[dict(name='a', dim=9), dict(name='b', dim=4)], text=dict(dim=5), clip_len=2.0)
    write_json(tmp_path / 'feature_spec.json', spec)
    findings, _ = check(tmp_path)
    assert kinds(findings) == [('open', 'error', 'train'), ('open', 'error', 'val')]
    assert "stream 'a': dim 6 is declared, the features have 9" in str(findings[0])


def test_splits_beside_each_other():
    rows = make_rows('train')
    apart = [Split('train', rows[:4]), Split('val', rows[4:8]), Split('test', rows[8:])]
    assert leakage(apart) == []
    assert kinds(leakage([*apart[:2], Split('test', rows[6:])])) == [('leakage', 'warning', 'val and test')]
    assert leakage([Split('train', rows), Split('train 2', rows)]) == []  # parts of one split
    parts = [dict(rows[0], vid='film_0.0_150.0')], [dict(rows[0], vid='film_150.0_300.0')]
    findings = leakage([Split('train', parts[0]), Split('val', parts[1])])
    assert kinds(findings) == [('leakage', 'warning', 'train and val')]
    assert 'parts of a source video' in str(findings[0])


def test_covered():
    assert covered([[0, 5], [3, 8], [9, 30]], 20) == 19
    assert covered([], 20) == 0
    assert covered([[-4, 2]], 20) == 2


def test_highlights_need_no_windows():
    rows = [{'qid': 1, 'vid': 'v', 'query': 'q', 'duration': 4.0, 'label': [[1], [0]]}]
    assert check_annotations(Split('train', rows)) == []


def test_unknown_checks_are_refused():
    with pytest.raises(ValueError, match=r"no such checks: \['leaks'\], expected some of \['open', .*'leakage'"):
        without([], ['leaks'])
    finding = leakage([Split('train', make_rows('val')), Split('val', make_rows('val'))])[0]
    assert without([finding], ['leakage']) == []
    with pytest.raises(ValueError, match="check='leaks'"):
        dataclasses.replace(finding, check='leaks')


def test_augmentations_say_on_how_many_samples_they_act(tmp_path):
    write(tmp_path)
    pipeline = dict(config(tmp_path).train_dataloader.dataset.pipeline)
    shift, negative = dict(type='ShiftMoment', max_duration=20.0), dict(type='NegativeQuery')
    pipeline['augment'] = dict(shift=shift, negative=negative, synthesis=dict(type='SynthesizeVideo'), off=None)
    splits, issues = open_splits(config(tmp_path, train=dict(pipeline=pipeline)), ['train', 'val'])
    findings = [f for f in check_splits(splits) if f.check == 'augmentations']
    assert issues == [] and [(f.severity, f.where, f.count, f.total) for f in findings] == [
        ('warning', 'train', 0, 12),  # videos last 20 s
        ('note', 'train', 12, 12),  # windows 2 to 8 and 8 to 14
        ('note', 'train', 12, 12),
    ]
    assert str(findings[0]).startswith(
        'train: augmentations: 0 of 12 samples can be changed by ShiftMoment (pipeline.augment.shift). It does nothing'
    )
    assert str(findings[1]).endswith('samples can be changed by NegativeQuery (pipeline.augment.negative).')


def test_rows_that_transforms_act_on():
    rows = [
        dict(qid=0, vid='a', query='one', duration=59.9, relevant_windows=[[0, 6]], neg_query_ids=[7]),
        dict(qid=1, vid='a', query='two', duration=60.0, relevant_windows=[[0, 5]]),  # IoU 5/6
        dict(qid=2, vid='b', query='one', duration=9.0, relevant_windows=[], neg_query_ids=[]),
        dict(qid=3, vid='c', query='one', duration=9.0, relevant_windows=[[0, 4]]),
        dict(qid=4, vid='c', query='two', duration=9.0, relevant_windows=[[4, 8]]),
    ]
    assert ShiftMoment().applicable(rows, 1.0) == [True, False, False, True, True]
    assert ShiftMoment(max_duration=None).applicable(rows, 1.0) == [True, True, False, True, True]
    assert SynthesizeVideo().applicable(rows, 1.0) == [True, True, False, True, True]
    assert NegativeQuery().applicable(rows, 1.0) == [True, False, False, True, True]
    assert NegativeQuery(empty='other_video').applicable(rows, 1.0) == [True, False, True, True, True]
    assert NegativeQuery(missing='none').applicable(rows, 1.0) == [True, False, False, False, False]


def test_a_training_split_without_any_moment(tmp_path):
    rows = write(tmp_path)
    write_jsonl(tmp_path / 'train.jsonl', [dict(row, relevant_windows=[]) for row in rows['train']])
    findings, _ = check(tmp_path)
    assert kinds(findings) == [('labels', 'warning', 'train')]
    assert '12 of 12 rows describe nothing in their video' in str(findings[0])
