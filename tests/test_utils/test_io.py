import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from mmvmr.utils.io import atomic_write, iterate_jsonl, read_json, read_jsonl, read_text, write_json, write_jsonl


def test_atomic_write_replaces_only_at_the_end(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(path) as tmp:
        tmp.write_text('first')
        assert not path.exists()
        assert tmp.suffix == '.txt' and tmp.parent == path.parent
    with atomic_write(path) as tmp:
        tmp.write_text('second')
        assert path.read_text() == 'first'
    assert path.read_text() == 'second'
    assert os.listdir(path.parent) == ['a.txt']


def test_atomic_write_does_not_replace_a_folder(tmp_path):
    with pytest.raises(ValueError, match='is a folder, expected the name of a file'), atomic_write(tmp_path):
        raise AssertionError('the body runs')
    assert not list(tmp_path.iterdir()) and not list(tmp_path.parent.glob('.*.tmp'))


def test_atomic_write_keeps_the_old_file_when_the_body_fails(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(RuntimeError), atomic_write(path) as tmp:
        tmp.write_text('half')
        raise RuntimeError
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_atomic_write_gives_the_usual_permissions(tmp_path):
    with atomic_write(tmp_path / 'a.txt') as tmp:
        tmp.write_text('x')
    (tmp_path / 'b.txt').write_text('x')
    assert (tmp_path / 'a.txt').stat().st_mode == (tmp_path / 'b.txt').stat().st_mode


def test_sigkill_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    code = (
        'import os, signal, sys\n'
        'from mmvmr.utils.io import atomic_write\n'
        'with atomic_write(sys.argv[1]) as tmp:\n'
        '    tmp.write_text("half")\n'
        '    os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    done = subprocess.run([sys.executable, '-c', code, str(path)])
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == 'old'


def test_json_nan_becomes_null(tmp_path):
    value = {'a': math.nan, 'b': [np.float32(1.5), math.inf], 'c': np.arange(2), 'd': 'x', 'e': True}
    write_json(tmp_path / 'm.json', value)
    assert read_json(tmp_path / 'm.json') == {'a': None, 'b': [1.5, None], 'c': [0, 1], 'd': 'x', 'e': True}


def test_jsonl_round_trip_and_limit(tmp_path):
    rows = [{'qid': i, 'query': 'é'} for i in range(3)]
    write_jsonl(tmp_path / 'a.jsonl', rows)
    assert read_jsonl(tmp_path / 'a.jsonl') == rows
    assert read_jsonl(tmp_path / 'a.jsonl', limit=2) == rows[:2]


@pytest.mark.parametrize(
    ('line', 'expected'),
    [('{"qid": 2, "que', 'not valid JSON'), ('[1]', 'expected a JSON object'), ('{"a": "\udcff"}', 'not UTF-8')],
)
def test_jsonl_errors_name_the_line(tmp_path, line, expected):
    path = tmp_path / 'a.jsonl'
    text = json.dumps({'qid': 1}) + '\n\n' + line
    path.write_bytes(text.encode('utf-8', 'surrogateescape'))
    with pytest.raises(ValueError, match=expected) as info:
        read_jsonl(path)
    assert f'{path}:3:' in str(info.value)


def test_missing_and_bad_json(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file'):
        read_jsonl(tmp_path / 'none.jsonl')
    with pytest.raises(FileNotFoundError, match='is a folder'):
        read_json(tmp_path)
    (tmp_path / 'bad.json').write_text('{"a": 1,\n oops}')
    with pytest.raises(ValueError, match=r'bad\.json:2: not valid JSON'):
        read_json(tmp_path / 'bad.json')


def test_iterate_jsonl_goes_on_behind_broken_lines(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_bytes(b'{"a": 1}\n\n{"a": \n[1]\n\xff\n{"a": 2}')
    found = list(iterate_jsonl(path))
    assert [number for number, _ in found] == [1, 3, 4, 5, 6]
    assert [row for _, row in found if isinstance(row, dict)] == [{'a': 1}, {'a': 2}]
    issues = [str(row) for _, row in found if not isinstance(row, dict)]
    assert [issue.startswith(f'{path}:{number}: ') for issue, number in zip(issues, (3, 4, 5))] == [True] * 3
    assert 'expected a JSON object, found list' in issues[1]
    assert 'not UTF-8' in issues[2]


def test_write_jsonl_writes_what_json_does_not_know(tmp_path):
    rows = [{'a': float('nan'), 'b': [1, 2.5]}, {'a': np.float32(0.5), 'b': np.arange(2)}, {'a': 'é', 'b': (1,)}]
    write_jsonl(tmp_path / 'a.jsonl', rows)
    assert read_jsonl(tmp_path / 'a.jsonl') == [
        {'a': None, 'b': [1, 2.5]},
        {'a': 0.5, 'b': [0, 1]},
        {'a': 'é', 'b': [1]},
    ]


@pytest.mark.parametrize(
    ('raw', 'message'),
    [
        ('video,\u00f6l'.encode('cp1252'), r'table:1: not UTF-8 text; it looks like Windows-1252'),
        ('video,query'.encode('utf-16'), r'table:1: not UTF-8 text; it looks like UTF-16'),
        ('video,query'.encode('utf-16-le'), r'table:1: not UTF-8 text; it looks like UTF-16'),
        (b'a,b,c,d\nefghijk\0', r'table:2: not UTF-8 text; it has a zero byte'),
    ],
)
def test_text_in_other_encodings(tmp_path, raw, message):
    (tmp_path / 'table').write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / 'table')


@pytest.mark.parametrize('text', ['{"qid": 1, "qid": 2}', '{"qid": 1, "a": {"b": [], "b": 1}}'])
def test_keys_that_occur_twice(tmp_path, text):
    (tmp_path / 'a.jsonl').write_text('{"qid": 0}\n' + text + '\n')
    with pytest.raises(ValueError, match=r'a.jsonl:2: .*the key \w+ occurs twice in one object'):
        read_jsonl(tmp_path / 'a.jsonl')
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match=r'a.json:1: .*occurs twice'):
        read_json(tmp_path / 'a.json')
