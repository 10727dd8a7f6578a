"""Annotations of one's own: every issue with file, line and field, repairs that are told, files that training reads."""

import importlib.util
import json

import pytest
from run_helpers import REPO

from mmvmr.datasets import AnnotationReader
from mmvmr.utils import read_jsonl

BAD = """video,query,start,end,duration,place
v1,"a dog, running",1,4,10,park
v1,"a dog, running",6,12,10,
v2,a cat, sleeping,1,2,20
v2,a cat,0:05,"5,5",20,
v3,,3,2,x,

v4,a bird,,,5,
v4,a fly,1,,5,
v1,"a dog, running",1,4,10,
v1,"a dog, running",7,8,11,
"""
GOOD = 'Video;Query;Start;End;Duration\nv1;a dog, a cat;1;4,0\n'.replace('4,0', '4.5;10') + 'v1;a dog, a cat;6;8;10\n'
ROW = dict(qid=1, query='a dog', duration=10.0, vid='v', relevant_windows=[[2, 8]])


@pytest.fixture
def validate(monkeypatch, tmp_path, capsys):
    """Run the tool in a folder; returns exit status, lines of the report, and what it said of mistakes."""
    monkeypatch.chdir(tmp_path)
    path = REPO / 'tools' / 'dataset_converters' / 'validate.py'
    spec = importlib.util.spec_from_file_location('validate', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        try:
            code = module.main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = stopped.code
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err

    return run


def jsonl(path, *rows):
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def test_every_issue_of_a_table(validate, tmp_path):
    (tmp_path / 'train.csv').write_text(BAD)
    code, lines, errors = validate('train.csv')
    outside = (
        'outside the video, which lasts 10.0 s (tolerance 0.1 s); correct it, let validate.py --fix cut it, or set'
    )
    assert lines == [
        'train.csv:2: duration is 10.0 here and 11.0 at train.csv:11, for the same video and sentence; '
        'write the same into both lines',
        f"train.csv:3: start, end is [6.0, 12.0]: {outside} annotations.outside='clip'",
        "train.csv:4: start is 'sleeping', expected a number of seconds; write seconds; a sentence with commas in it "
        'needs double quotes',
        "train.csv:5: start is '0:05', expected a number of seconds; write 5",
        "train.csv:5: end is '5,5', expected a number of seconds; write 5.5",
        "train.csv:6: duration is 'x', expected a number of seconds; write seconds",
        "train.csv:6: query is '', expected a sentence; write it, or remove the line",
        'train.csv:6: start, end is [3.0, 2.0]: start is not before end; correct one of the two',
        "train.csv:9: end is '', expected a number of seconds; write seconds",
        'train.csv:8: start, end is missing, training refuses such a row; write its moment ([] in jsonl: nothing in '
        'the video is described), or leave the row out (--drop does)',
        'train.csv:10: start, end is [1.0, 4.0], which the row has already; remove one (--fix does)',
    ]
    assert code == 1
    assert errors == '11 issues in 6 rows\n'


def test_fix_refuses_what_it_would_have_to_guess(validate, tmp_path):
    text = BAD.replace('7,8,11', '7,8,10')
    (tmp_path / 'train.csv').write_text(text)
    code, lines, errors = validate('train.csv', '--fix', '--out', 'new')
    assert code == 1
    assert errors == '8 issues in 6 rows; nothing written\n'
    assert lines[0] == 'train.csv:3: window [6.0, 12.0] cut to [6.0, 10.0], the video lasts 10.0 s'
    assert lines[1] == 'train.csv:10: window [1.0, 4.0] dropped, it is there twice'
    assert not (tmp_path / 'new').exists()
    assert (tmp_path / 'train.csv').read_text() == text


def test_a_disputed_length_cuts_nothing(validate, tmp_path):
    (tmp_path / 'train.csv').write_text('video,query,start,end,duration\nv,x,1,12,10\nv,x,2,5,13\n')
    code, lines, _ = validate('train.csv', '--fix', '--out', 'new')
    assert code == 1
    assert [line.partition(' (')[0].partition(',')[0] for line in lines] == [
        'train.csv:2: duration is 10.0 here and 13.0 at train.csv:3',
        'train.csv:2: start',
    ]


def test_fix_and_drop(validate, tmp_path):
    text = BAD.replace('7,8,11', '7,8,10')
    (tmp_path / 'train.csv').write_text(text)
    code, lines, errors = validate('train.csv', '--fix', '--drop', '--out', 'new')
    assert (code, errors) == (0, '')
    assert sum(line.endswith('(left out)') for line in lines) == 8
    assert lines[-1] == 'new/train.jsonl: 1 sentences about 1 videos, 3 moments'
    assert read_jsonl('new/train.jsonl') == [
        dict(qid='train_2', query='a dog, running', duration=10.0, vid='v1')
        | dict(relevant_windows=[[1.0, 4.0], [6.0, 10.0], [7.0, 8.0]], place='park'),
    ]
    assert (tmp_path / 'train.csv').read_text() == text
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['train.jsonl']


def test_a_good_table_becomes_what_training_reads(validate, tmp_path):
    (tmp_path / 'val.csv').write_text(GOOD, encoding='utf-8-sig')
    code, lines, _ = validate('val.csv', '--out', 'val.jsonl')
    assert (code, lines) == (0, ['val.jsonl: 1 sentences about 1 videos, 2 moments'])
    (row,) = AnnotationReader().read('val.jsonl')
    assert row == dict(qid='val_2', query='a dog, a cat', duration=10.0, vid='v1', relevant_windows=[[1, 4.5], [6, 8]])
    assert validate('val.jsonl')[0] == 0


def test_names_of_sentences(validate, tmp_path):
    (tmp_path / 'a.csv').write_text(
        'vid,qid,query,start,end,duration\nv,7,x,1,2,9\nv,07,y,1,2,9\nv,7,x,3,4,9\nv,8,x,5,6,9\n'
    )
    code, lines, _ = validate('a.csv')
    assert (code, lines) == (
        1,
        ['a.csv:2: qid is 7 here and 8 at a.csv:5, for the same video and sentence; write the same into both lines'],
    )
    (tmp_path / 'a.csv').write_text('vid,qid,query,start,end,duration\nv,7,x,1,2,9\nv,07,y,1,2,9\nv,7,z,1,2,9\n')
    assert validate('a.csv')[1] == ['a.csv:4: qid is 7, as at a.csv:2; give every sentence a different one']


def test_files_share_no_names(validate, tmp_path):
    jsonl(tmp_path / 'train.jsonl', ROW, {**ROW, 'qid': 2, 'query': 'b'})
    jsonl(tmp_path / 'val.jsonl', {**ROW, 'qid': 2, 'query': 'c', 'vid': 'w'}, {**ROW, 'vid': 'w'})
    code, lines, _ = validate('train.jsonl', 'val.jsonl')
    assert (code, lines) == (
        1,
        [
            'val.jsonl:1: qid is 2, as of another sentence at train.jsonl:2; features of sentences are stored by qid: '
            'number on, or put a name before the number'
        ],
    )


def test_jsonl(validate, tmp_path):
    rows = [ROW, {**ROW, 'qid': 2}, {**ROW, 'qid': 3, 'relevant_windows': [[1, 2], [1, 2], [9, 20]]}]
    source = jsonl(tmp_path / 'a.jsonl', *rows, {**ROW, 'qid': '1', 'query': 'b'})
    before = source.read_bytes() + b'{"qid": 4,\n'
    source.write_bytes(before)
    code, lines, _ = validate('a.jsonl', '--fix', '--out', 'b.jsonl')
    assert code == 1
    assert lines[:3] == [
        'a.jsonl:2: left out, the same as a.jsonl:1',
        'a.jsonl:3: window [1, 2] dropped, it is there twice',
        'a.jsonl:3: window [9, 20] cut to [9, 10.0], the video lasts 10.0 s',
    ]
    assert lines[3] == "a.jsonl:4: qid is '1', as at a.jsonl:1; give every sentence a different one"
    assert lines[4].startswith('a.jsonl:5: line is not valid JSON (column ')
    assert lines[5].startswith('note: a.jsonl:3: has video and sentence of a.jsonl:1 and other moments')
    assert len(lines) == 6
    source.write_bytes(before.replace(b'"qid": "1"', b'"qid": 5').replace(b'{"qid": 4,\n', b''))
    assert validate('a.jsonl', '--fix', '--out', 'b.jsonl')[0] == 0
    kept = AnnotationReader().read('b.jsonl')
    assert [(row['qid'], row.get('relevant_windows')) for row in kept] == [
        (1, [[2, 8]]),
        (3, [[1, 2], [9, 10.0]]),
        (5, [[2, 8]]),
    ]


def test_ratings_and_labels_are_checked_too(validate, tmp_path):
    rated = {**ROW, 'relevant_clip_ids': [1], 'saliency_scores': [[4, 4], [1, 2]]}
    labelled = dict(qid='w', query='dog', duration=2, vid='w', label=[[1], ['x']])
    jsonl(tmp_path / 'a.jsonl', rated, labelled)
    assert [line.partition(';')[0] for line in validate('a.jsonl')[1]] == [
        'a.jsonl:1: saliency_scores has 2 saliency_scores for 1 relevant_clip_ids',
        "a.jsonl:2: label[1][0] is 'x', expected a number",
    ]
    jsonl(tmp_path / 'a.jsonl', {**labelled, 'label': [[1], [0]]})
    assert validate('a.jsonl')[:2] == (0, ['a.jsonl: 1 sentences about 1 videos, 0 moments, 1 with ratings'])


def test_lengths_from_a_table(validate, tmp_path):
    (tmp_path / 'a.csv').write_text('video,query,start,end\nv,x,1,2\nw,x,1,2\n')
    jsonl(tmp_path / 'b.jsonl', {'qid': 1, 'query': 'y', 'vid': 'w'})
    (tmp_path / 'lengths.csv').write_text('id,length\nv,9.5\n')
    code, lines, _ = validate('a.csv', 'b.jsonl', '--durations', 'lengths.csv')
    problem = "duration of video 'w' is not known to --durations or --videos either"
    fix = 'correct the name, or write it'
    assert (code, lines[:2]) == (1, [f'a.csv:3: {problem}; {fix}', f'b.jsonl:1: {problem}; {fix}'])
    (tmp_path / 'lengths.json').write_text('{"v": 9.5, "w": {"duration": 4}}')
    assert validate('a.csv', 'b.jsonl', '--durations', 'lengths.json', '--out', '.')[0] == 2, (
        'b.jsonl would be the input'
    )
    assert validate('a.csv', 'b.jsonl', '--durations', 'lengths.json', '--out', 'new')[0] == 0
    assert [row['duration'] for row in read_jsonl('new/a.jsonl') + read_jsonl('new/b.jsonl')] == [9.5, 4, 4]
    (tmp_path / 'lengths.csv').write_text('id,length\nv,9.5\nw,-1\n')
    code, _, errors = validate('a.csv', '--durations', 'lengths.csv')
    assert code == 2
    assert "lengths.csv:3: no length of a video: vid (or video, id, video_id) is 'w'" in errors


def test_lengths_from_videos(validate, shared_dir, tmp_path):
    pytest.importorskip('av')
    videos = shared_dir / 'data' / 'samples' / 'videos'
    if not (videos / 'Y1HGC.mp4').exists():
        pytest.skip('sample videos absent')
    (tmp_path / 'a.csv').write_text('video,query,start,end\nY1HGC,x,1,2\nabsent,x,1,2\n')
    code, lines, _ = validate('a.csv', '--videos', videos)
    assert code == 1
    assert [line for line in lines if 'Y1HGC' in line] == []
    assert lines[0].startswith("a.csv:3: duration of video 'absent' is not known to --durations or --videos either")
    assert validate('a.csv', '--videos', videos, '--drop', '--out', 'b.jsonl')[0] == 0
    (row,) = read_jsonl('b.jsonl')
    assert 30.5 < row['duration'] < 31


def test_a_video_that_cannot_be_read(validate, tmp_path):
    pytest.importorskip('av')
    (tmp_path / 'videos').mkdir()
    (tmp_path / 'videos' / 'v.mp4').write_bytes(b'no video')
    (tmp_path / 'a.csv').write_text('video,query,start,end\nv,x,1,2\n')
    _, lines, _ = validate('a.csv', '--videos', 'videos')
    assert lines[0].startswith("a.csv:2: duration of video 'v' is not known: videos/v.mp4: cannot be opened as a video")


@pytest.mark.parametrize(
    ('text', 'arguments', 'message'),
    [
        (
            'vidoe,query,start,end\n',
            [],
            "a.csv:1: columns ['video'] are missing, found ['vidoe', 'query', 'start', 'end']; ",
        ),
        ('vidoe,query,start,end\n', [], "is 'vidoe' meant for 'video'?"),
        ('video,query,start,end\n', [], 'a.csv: no annotation in this file'),
        ('video,query,start,end\nv,"x,1,2\n', [], 'a.csv:2: not a line of a table'),
        (GOOD, ['--fix'], '--fix and --drop never change the input: give --out'),
        (GOOD, ['absent.csv'], 'absent.csv'),
        (GOOD, ['a.csv', '--out', 'b.jsonl'], 'several inputs would be written to one file'),
        (GOOD, ['--videos', 'absent'], 'absent: no such folder'),
        (GOOD, ['--durations', 'a.csv', '--videos', '.'], 'not allowed with argument'),
    ],
)
def test_mistakes_on_the_command_line(text, arguments, message, validate, tmp_path):
    (tmp_path / 'a.csv').write_text(text)
    code, _, errors = validate('a.csv', *arguments)
    assert code == 2
    assert message in errors


def test_a_line_with_too_many_values(validate, tmp_path):
    (tmp_path / 'a.tsv').write_text('video\tquery\tstart\tend\tduration\nv\tx\ty\t1\t2\t9\n')
    assert validate('a.tsv')[1] == [
        'a.tsv:2: line has 1 values more than the header has columns; put sentences with commas in double quotes',
    ]


def test_rows_without_a_label(validate, tmp_path):
    """An error beside labelled rows and in a file of training; an empty list of moments is a label."""
    bare = {key: value for key, value in ROW.items() if key != 'relevant_windows'}
    jsonl(tmp_path / 'val.jsonl', ROW, {**bare, 'qid': 2, 'query': 'b'})
    jsonl(tmp_path / 'hidden.jsonl', bare)
    jsonl(tmp_path / 'train.jsonl', bare)
    jsonl(tmp_path / 'other.jsonl', ROW, {**bare, 'qid': 2, 'query': 'b', 'relevant_windows': []})
    code, lines, _ = validate('val.jsonl')
    assert code == 1 and lines[0].startswith('val.jsonl:2: relevant_windows is missing, training refuses such a row; ')
    assert validate('train.jsonl')[0] == 1
    code, lines, _ = validate('hidden.jsonl')
    assert code == 0 and 'no row is labelled; such rows can be predicted, neither trained nor scored' in lines[0]
    assert validate('other.jsonl')[0] == 0
    assert validate('val.jsonl', '--drop', '--out', 'new')[0] == 0
    assert read_jsonl('new/val.jsonl') == [ROW]


def test_durations_of_a_video_that_contradict(validate, tmp_path):
    jsonl(tmp_path / 'val.jsonl', ROW, {**ROW, 'qid': 2, 'query': 'b', 'duration': 13.1})
    code, lines, _ = validate('val.jsonl')
    assert code == 1
    assert lines[0].startswith("val.jsonl:2: duration is 13.1 s, but 10.0 s at val.jsonl:1 for the same video 'v'; ")
    jsonl(tmp_path / 'val.jsonl', ROW, {**ROW, 'qid': 2, 'query': 'b', 'duration': 13.0})  # 10 % and 2 s
    assert validate('val.jsonl')[0] == 0


@pytest.mark.parametrize('name', ['clip.mp4', 'videos/clip.mp4'])
def test_video_names_with_folder_and_suffix(validate, tmp_path, name):
    jsonl(tmp_path / 'a.jsonl', {'qid': 1, 'query': 'y', 'vid': name, 'relevant_windows': [[1, 2]]})
    (tmp_path / 'lengths.json').write_text('{"clip": 9.5}')
    code, lines, _ = validate('a.jsonl', '--durations', 'lengths.json')
    assert code == 1 and len(lines) == 1
    assert "is not known, but that of 'clip' is; write 'clip': videos are named without folder and suffix" in lines[0]
