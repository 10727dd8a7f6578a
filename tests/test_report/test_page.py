"""What is written into a page, and what a real browser makes of it."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.report import Page, PageAnswer, PageQuery, PageVideo, answer_page, write_answer_report, write_page
from mmvmr.report.demo import build_demo

TIMES = np.stack((np.arange(4), np.arange(4) + 1), axis=1)


def _answers(path=None, model='first', query='</script><b>a & b</b>'):
    moments = (Moment(1.0, 3.0, 0.75), Moment(0.0, 1.0, 0.5))
    answer = Answer(query, moments, TIMES, np.array([0.0, 2, 4, 1]), truth=((2.0, 4.0),))
    return Answers('clip', 4.0, (answer, Answer('second', (), TIMES)), path, ('a note',), model)


def _content(page: Path):
    text = page.read_text(encoding='utf-8')
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


def test_content_of_a_page(tmp_path):
    page = write_answer_report(_answers(tmp_path / 'a folder' / 'x y.mp4'), tmp_path / 'out' / 'page.html')
    content = _content(page)
    assert content['models'] == ['first'] and content['notes'] == ['a note']
    [video] = content['videos']
    assert video['src'] == '../a%20folder/x%20y.mp4' and video['duration'] == 4.0
    query = video['queries'][0]
    assert query['text'] == '</script><b>a & b</b>' and query['truth'] == [[2.0, 4.0]]
    assert query['answers'][0]['moments'] == [[1.0, 3.0, 0.75], [0.0, 1.0, 0.5]]
    assert query['answers'][0]['saliency'] == [0, 0.5, 1, 0.25]
    assert query['answers'][0]['metrics']['IoU'] == pytest.approx(1 / 3)  # 1 s of 3 s
    assert video['queries'][1]['answers'] == [{'moments': [], 'saliency': None, 'metrics': {}}]
    assert 'http' not in page.read_text().replace('http://www.w3.org/2000/svg', '')  # nothing is loaded from elsewhere


def test_a_video_can_be_embedded(tmp_path):
    (tmp_path / 'v.mp4').write_bytes(b'abc')
    page = write_answer_report(_answers(tmp_path / 'v.mp4'), tmp_path / 'p.html', embed=True)
    assert _content(page)['videos'][0]['src'] == 'data:video/mp4;base64,YWJj'


def test_models_have_to_be_asked_the_same():
    assert answer_page([_answers(), _answers(model='second')]).models == ['first', 'second']
    with pytest.raises(ValueError, match='second was asked other sentences than first'):
        answer_page([_answers(), _answers(model='second', query='another')])
    with pytest.raises(ValueError, match='no answers'):
        answer_page([])
    page = Page('t', ['a', 'b'], [PageVideo('v', 1.0, [PageQuery('q', [PageAnswer([])])])])
    with pytest.raises(ValueError, match=r"v, 'q' has 1 answers, expected one per model \(2: a, b\)"):
        write_page(page, Path('unused.html'))


def test_the_demo_without_gradio(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match=r"mmvmr demo needs gradio: pip install 'gradio>=6,<7'"):
        build_demo(None, {}, tmp_path)
