"""Pages of prediction files, written by mmvmr eval and mmvmr compare."""

import json
import re
from pathlib import Path

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
    text = Path(path).read_text(encoding='utf-8')
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
    assert page['models'] == ['A: a', 'B: b']
    assert page['notes'][0] == 'A: a: MR-full-mAP 55.00, MR-full-mIoU 75.00'  # 100 % and 1 of 10 thresholds
    found = [[a['metrics']['MR-full-mIoU'] for a in query['answers']] for query in page['videos'][0]['queries']]
    assert found == [[100, 50], [50, 100]]
    write_jsonl('a.jsonl', [json.loads(line) for line in (files / 'a.jsonl').read_text().splitlines()][1:])
    assert main([*words, '--subset', '--page', 'two.html']) == 0
    [query] = content(files / 'two.html')['videos'][0]['queries']
    assert [answer['metrics']['MR-full-mIoU'] for answer in query['answers']] == [50, 100]


@pytest.fixture
def five(files):
    """Five queries of five videos, answered with an IoU of 0.1, 0.9, 0.5, 0.3 and 0.7, of which two have a file."""
    overlaps = (1, 9, 5, 3, 7)
    common = {'duration': 20, 'query': 'a dog', 'relevant_windows': [[0, 10]]}
    truth = [{'qid': q, 'vid': f'v{q}', **common} for q in range(5)]
    truth[2] |= {'relevant_clip_ids': [1, 3], 'saliency_scores': [[1, 2, 3], [4, 4, 4]]}
    write_jsonl('gt.jsonl', truth)
    for name, ends in (('a', overlaps), ('b', (5, 5, 5, 5, 5))):
        write_jsonl(f'{name}.jsonl', [
            {'qid': q, 'query': 'a dog', 'vid': f'v{q}', 'pred_relevant_windows': [[0, end, 0.9]]}
            for q, end in enumerate(ends)
        ])  # fmt: skip
    (files / 'videos').mkdir()
    for q in (2, 4):
        (files / 'videos' / f'v{q}.mp4').write_bytes(b'')
    return files


def shown(path):
    return [video['name'] for video in content(path)['videos']]


def test_which_queries_are_shown(five, capsys):
    words = ['eval', 'a.jsonl', 'gt.jsonl', '--protocol', 'charades', '--page', 'p.html', '--show']
    # Ranked by mAP over IoU 0.5 to 0.95: 0, 90, 10, 0 and 50 percent.
    for show, expected in (
        (['all'], ['v0', 'v1', 'v2', 'v3', 'v4']),
        (['best', '--count', 2], ['v1', 'v4']),
        (['worst', '--count', 2], ['v3', 'v0']),
        (['spread', '--count', 3], ['v1', 'v2', 'v3']),
        ([4, 1], ['v4', 'v1']),
    ):
        assert main([*words, *map(str, show)]) == 0
        assert shown('p.html') == expected, show
    with pytest.raises(SystemExit) as stop:
        main([*words, 'wrost'])
    assert stop.value.code == 2
    assert "no query has the qid 'wrost'; expected qids or one of all, spread, best, worst" in capsys.readouterr().err


def test_two_models_are_ranked_by_their_difference(five):
    words = ['compare', 'a.jsonl', 'b.jsonl', '--gt', 'gt.jsonl', '--protocol', 'charades', '--draws', '20']
    assert main([*words, '--page', 'p.html', '--show', 'best', '--count', '1', '--videos', 'videos']) == 0
    [video] = content('p.html')['videos']
    assert video['name'] == 'v1' and video['src'] is None
    assert video['queries'][0]['metrics'] == {'difference of MR-full-mAP': 80, 'moments': 1, 'mean length (s)': 10}


def test_videos_and_ratings(five, capsys):
    words = ['eval', 'a.jsonl', 'gt.jsonl', '--protocol', 'charades', '--videos', 'videos']
    assert main([*words, '--page', 'out/p.html']) == 0
    page = content('out/p.html')
    sources = [video['src'] for video in page['videos']]
    assert sources == [None, None, '../videos/v2.mp4', None, '../videos/v4.mp4']
    assert page['notes'][-1] == '3 of 5 videos have no file'
    ratings = [video['queries'][0]['ratings'] for video in page['videos']]
    assert ratings == [None, None, [0, 0.5, 0, 1, 0, 0, 0, 0, 0, 0], None, None]  # clips of 2 s; 2 and 4 of at most 4
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2 and 'add --page PAGE.html' in capsys.readouterr().err


def test_a_query_without_duration(files, capsys):
    row = {'qid': 1, 'query': 'a dog', 'vid': 'v', 'relevant_windows': [[0, 10]]}
    write_jsonl('gt.jsonl', [row, {**row, 'qid': 2, 'query': '</script>', 'duration': 20}])
    with pytest.raises(SystemExit) as stop:
        main(['eval', 'a.jsonl', 'gt.jsonl', '--protocol', 'charades', '--page', 'page.html'])
    assert stop.value.code == 2
    assert 'duration' in capsys.readouterr().err
    assert not (files / 'page.html').exists()
