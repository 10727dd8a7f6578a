import json
import re

import pytest

from mmvmr.datasets import AnnotationReader

ROW = dict(qid=1, query='a dog runs', duration=30.0, vid='v', relevant_windows=[[2.0, 8.0]])


def _write(tmp_path, *rows, text=''):
    path = tmp_path / 'ann.jsonl'
    path.write_text('\n'.join(json.dumps(row) for row in rows) + '\n' + text)
    return path


def test_reads_rows_as_they_are(tmp_path):
    rows = [ROW, {**ROW, 'qid': 's17-d69_0'}]
    assert AnnotationReader().read(_write(tmp_path, *rows)) == rows
    assert AnnotationReader().read(_write(tmp_path, *rows), limit=1) == rows[:1]


def test_rows_without_labels_are_fine(tmp_path):
    rows = [{k: ROW[k] for k in ('qid', 'query', 'duration', 'vid')}, {**ROW, 'qid': 2, 'relevant_windows': None}]
    assert len(AnnotationReader().read(_write(tmp_path, *rows))) == 2


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(qid=1), 'as at line 1; give every sentence a different one'),
        (dict(query='  '), "query is '  ', expected a sentence"),
        (dict(query=None), 'query is null, expected a sentence'),
        (dict(qid=None), 'qid is null, expected a number or a name'),
        (dict(qid=1.5), r'qid is 1\.5, expected a number or a name'),
        (dict(qid='a/b'), "qid is 'a/b', expected a number or a name without slashes"),
        (dict(vid=''), "vid is '', expected the name of the video"),
        (dict(duration=0), 'duration is 0, expected a positive number'),
        (dict(duration=float('nan')), 'duration is nan'),
        (dict(duration='30'), "duration is '30'"),
        (dict(relevant_windows=[[8.0, 2.0]]), 'start is not before end'),
        (dict(relevant_windows=[[2.0, 2.0]]), 'start is not before end.*write \\[\\] as relevant_windows.*na_vmr.py'),
        (
            dict(relevant_windows=[[2.0, float('nan')]]),
            r'relevant_windows\[0\]\[1\] is nan, expected a number of seconds',
        ),
        (dict(relevant_windows=[[2.0, True]]), r'relevant_windows\[0\]\[1\] is True, expected a number of seconds'),
        (dict(relevant_windows=[[2.0]]), r'relevant_windows\[0\] is \[2\.0\], expected \[start, end\]'),
        (dict(relevant_windows=[[2.0, 8.0], [3.0, 1.0]]), r'relevant_windows\[1\] is \[3\.0, 1\.0\]: start is not'),
        (dict(relevant_windows=[[2.0, 31.0]]), r'outside the video, which lasts 30.0 s \(tolerance 0.1 s\)'),
        (dict(relevant_windows=[[-1.0, 3.0]]), 'outside the video'),
        (dict(relevant_windows=[[30.0, 30.05]]), 'outside the video'),
        (dict(relevant_clip_ids=[1, 2], saliency_scores=[[1, 1, 1]]), '1 saliency_scores for 2 relevant_clip_ids'),
        (dict(relevant_windows=[2.0, 8.0]), r'relevant_windows\[0\] is 2.0, expected \[start, end\]'),
        (dict(relevant_windows='2-8'), "relevant_windows is '2-8', expected a list"),
        (
            dict(relevant_clip_ids=[1, -2], saliency_scores=[[1], [1]]),
            r'relevant_clip_ids\[1\] is -2, expected a clip number',
        ),
        (dict(relevant_clip_ids=[4, 1, 4], saliency_scores=[[1], [1], [2]]), 'relevant_clip_ids has clip 4 twice'),
        (dict(relevant_clip_ids=[1, 2], saliency_scores=[[1, 1], [1]]), 'as many annotators for every clip'),
        (
            dict(relevant_clip_ids=[1, 2], saliency_scores=[3, 4]),
            r'saliency_scores\[0\] is 3, expected a list of ratings',
        ),
        (dict(saliency_scores=[[1, 1, 1]]), 'without relevant_clip_ids'),
    ],
)
def test_bad_rows_name_file_line_and_qid(tmp_path, change, message):
    path = _write(tmp_path, ROW, {**ROW, 'qid': 2, **change})
    with pytest.raises(ValueError, match=rf'ann\.jsonl:2: qid {re.escape(repr(change.get("qid", 2)))}: .*{message}'):
        AnnotationReader().read(path)


def test_line_numbers_count_empty_lines(tmp_path):
    path = tmp_path / 'ann.jsonl'
    path.write_text(json.dumps(ROW) + '\n\n\n' + json.dumps({**ROW, 'qid': 2, 'query': ''}) + '\n')
    with pytest.raises(ValueError, match=r'ann\.jsonl:4: qid 2'):
        AnnotationReader().read(path)


def test_truncated_line(tmp_path):
    path = _write(tmp_path, ROW, text=json.dumps({**ROW, 'qid': 2})[:-20])
    with pytest.raises(ValueError, match=r'ann\.jsonl:2: not valid JSON.*truncated'):
        AnnotationReader().read(path)


def test_empty_file(tmp_path):
    path = tmp_path / 'ann.jsonl'
    path.write_text('')
    with pytest.raises(ValueError, match='no annotation'):
        AnnotationReader().read(path)


def test_tolerance_and_clip(tmp_path):
    past = _write(tmp_path, {**ROW, 'relevant_windows': [[2.0, 31.0]]})
    assert AnnotationReader(window_tolerance=1.0).read(past)[0]['relevant_windows'] == [[2.0, 31.0]]
    assert AnnotationReader(outside='clip').read(past)
    with pytest.raises(ValueError, match="outside='drop'"):
        AnnotationReader(outside='drop')


@pytest.mark.parametrize('name', ['qvhighlights', 'charades_sta', 'charades_cd', 'tacos', 'activitynet_captions'])
def test_official_files(shared_dir, name):
    files = sorted((shared_dir / 'data' / 'annotations' / name).glob('*.jsonl'))
    if not files:
        pytest.skip('annotations absent')
    reader = AnnotationReader(outside='clip' if name == 'charades_cd' else 'error')
    assert all(reader.read(file) for file in files)
