"""What is written into a page, and what a real browser makes of it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.report import Page, PageAnswer, PageQuery, PageVideo, answer_page, write_answer_report, write_page

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
    assert video['queries'][1] == {
        'text': 'second', 'truth': None, 'answers': [{'moments': [], 'saliency': None, 'metrics': {}}]
    }  # fmt: skip
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


@pytest.fixture
def browser():
    """A page of a real browser, with the list of errors that it reports."""
    playwright = pytest.importorskip('playwright.sync_api')
    program = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if program is None:
        pytest.skip('no Chromium is installed')
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=program, args=['--no-sandbox'])
        page = chromium.new_page(viewport={'width': 1200, 'height': 900})
        errors = []
        page.on('console', lambda message: errors.append(message.text) if message.type == 'error' else None)
        page.on('pageerror', lambda error: errors.append(str(error)))
        yield page, errors
        chromium.close()


@pytest.fixture
def video(tmp_path):
    """Four seconds of video, ten frames a second, in a format that every Chromium plays."""
    av = pytest.importorskip('av')
    path = tmp_path / 'clip.webm'
    with av.open(str(path), 'w') as writer:
        stream = writer.add_stream('libvpx', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 6 * number, np.uint8), format='rgb24')
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    return path


@pytest.mark.slow
def test_a_click_on_a_moment_moves_the_player(browser, video, tmp_path):
    page, errors = browser
    report = write_answer_report([_answers(video), _answers(video, 'second')], tmp_path / 'page.html')
    page.goto(report.as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 1")
    assert page.locator('h2').inner_text() == '</script><b>a & b</b>'
    page.locator('#loop').uncheck()
    page.get_by_role('button', name='Moment 1: 0:01.0 to 0:03.0, score 0.75').first.click()
    page.wait_for_function("document.getElementById('video').currentTime >= 1")
    assert page.evaluate("document.getElementById('video').currentTime") < 3
    page.evaluate("document.getElementById('video').pause()")
    assert page.locator('#timelines button[aria-pressed=true]').count() == 1
    page.keyboard.press('n')  # the next moment starts at 0
    page.wait_for_function("document.getElementById('video').currentTime < 1")
    page.keyboard.press('j')
    assert page.locator('h2').inner_text() == 'second'
    page.locator('#filter').fill('a & b')
    assert page.locator('#queries button').count() == 1
    page.locator('#theme').click()
    assert page.evaluate('document.documentElement.dataset.theme') in ('dark', 'light')
    page.set_viewport_size({'width': 390, 'height': 800})
    assert page.evaluate('document.documentElement.scrollWidth') == 390  # a phone need not scroll sideways
    assert errors == []


@pytest.mark.slow
def test_sorting_and_a_page_without_video(browser, tmp_path):
    page, errors = browser
    queries = [
        PageQuery(name, [PageAnswer([(0.0, 1.0, 0.5)], None, {'IoU': value})], [(0.0, 1.0)])
        for name, value in (('middle', 0.5), ('worst', 0.1), ('best', 0.9), ('undefined', float('nan')))
    ]
    report = write_page(Page('data set', ['model'], [PageVideo('v', 2.0, queries)]), tmp_path / 'page.html')
    page.goto(report.as_uri())
    page.locator('#sort').select_option('up 0')
    names = [text.split('\n')[0] for text in page.locator('#queries button').all_inner_texts()]
    assert names == ['worst', 'middle', 'best', 'undefined']
    assert 'no video file is known' in page.locator('#novideo').inner_text()
    assert not page.locator('#video').is_visible()
    assert errors == []
