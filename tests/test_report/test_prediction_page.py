"""Pages of prediction files, written by mmvmr eval and mmvmr compare."""

import json
import re

import pytest

from mmvmr.cli.main import main
from mmvmr.utils.io import write_jsonl


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two queries of one video; model a is right once and half right once, model b the other way."""
    monkeypatch.chdir(tmp_path)
    common = {'vid': 'v', 'duration': 20}
    truth = [
        {'qid': 1, 'query': 'a dog', 'relevant_windows': [[0, 10]], **common},
        {'qid': 2, 'query': '</script>', 'relevant_windows': [[10, 20]], **common},
    ]
    write_jsonl('gt.jsonl', truth)
    for name, windows in (('a', ([0, 10, 0.9], [10, 15, 0.9])), ('b', ([0, 5, 0.9], [10, 20, 0.9]))):
        rows = [
            {'qid': q, 'query': row['query'], 'vid': 'v', 'pred_relevant_windows': [w, [0, 1, 0.1]]}
            for q, w, row in zip((1, 2), windows, truth)
        ]
        write_jsonl(f'{name}.jsonl', rows)
    return tmp_path


def content(path):
    text = path.read_text(encoding='utf-8')
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


def test_page_of_one_file(files, capsys):
    assert main(['eval', 'a.jsonl', 'gt.jsonl', '--protocol', 'charades', '--page', 'out/page.html']) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)  # what is printed stays JSON
    page = content(files / 'out' / 'page.html')
    assert page['models'] == ['a']
    [video] = page['videos']
    assert (video['name'], video['duration'], video['src']) == ('v', 20.0, None)
    first, second = video['queries']
    assert first['truth'] == [[0.0, 10.0]] and second['text'] == '</script>'
    assert first['answers'][0]['moments'] == [[0.0, 10.0, 0.9], [0.0, 1.0, 0.1]]
    assert first['answers'][0]['metrics']['MR-full-mIoU'] == 100
    assert second['answers'][0]['metrics']['MR-full-mIoU'] == 50  # 5 s of 10 s


def test_page_of_two_files(files):
    words = ['compare', 'a.jsonl', 'b.jsonl', '--gt', 'gt.jsonl', '--protocol', 'charades', '--draws', '20']
    assert main([*words, '--page', 'two.html']) == 0
    page = content(files / 'two.html')
    assert page['models'] == ['A: a.jsonl', 'B: b.jsonl']
    found = [[a['metrics']['MR-full-mIoU'] for a in query['answers']] for query in page['videos'][0]['queries']]
    assert found == [[100, 50], [50, 100]]
    write_jsonl('a.jsonl', [json.loads(line) for line in (files / 'a.jsonl').read_text().splitlines()][1:])
    assert main([*words, '--subset', '--page', 'two.html']) == 0
    [query] = content(files / 'two.html')['videos'][0]['queries']
    assert [answer['metrics']['MR-full-mIoU'] for answer in query['answers']] == [50, 100]


def test_a_query_without_duration(files, capsys):
    row = {'qid': 1, 'query': 'a dog', 'vid': 'v', 'relevant_windows': [[0, 10]]}
    write_jsonl('gt.jsonl', [row, {**row, 'qid': 2, 'duration': 20}])
    with pytest.raises(SystemExit) as stop:
        main(['eval', 'a.jsonl', 'gt.jsonl', '--protocol', 'charades', '--page', 'page.html'])
    assert stop.value.code == 2
    assert 'duration' in capsys.readouterr().err
    assert not (files / 'page.html').exists()
