"""What a real browser makes of the pages."""

import numpy as np
import pytest

from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.report import Page, PageAnswer, PageQuery, PageVideo, write_answer_report, write_page
from mmvmr.report.table import write_table_page

pytestmark = pytest.mark.slow
TIMES = np.stack((np.arange(4), np.arange(4) + 1), axis=1)
EVIL = '</script><script>document.title = "broken"</script><img src=x onerror="document.title = \'broken\'">'


def two_models(path):
    def answers(model):
        moments = (Moment(1.0, 3.0, 0.75), Moment(0.0, 1.0, 0.5), Moment(2.5, 4.0, 0.25), Moment(3.0, 3.5, 0.1))
        first = Answer(EVIL, moments, TIMES, np.array([0.0, 2, 4, 1]), truth=((2.0, 4.0),))
        return Answers('clip', 4.0, (first, Answer('second', (), TIMES)), path, ('a note',), model)

    return [answers('first'), answers('second')]


def now(page):
    return page.evaluate("document.getElementById('video').currentTime")


def brightness(page):
    """Grey value of the frame that the player shows."""
    return page.evaluate("""() => {
        const canvas = document.createElement('canvas'), video = document.getElementById('video');
        canvas.width = canvas.height = 1;
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data[0];
    }""")


def test_a_click_on_a_moment_moves_the_player(view, video, tmp_path):
    page = view.page
    # Embedded, so that the frames may be looked at: those of another file are hidden from scripts.
    page.goto(write_answer_report(two_models(video), tmp_path / 'page.html', embed=True).as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    assert page.locator('h2').inner_text() == EVIL and page.title() == 'clip'
    assert brightness(page) < 15
    page.locator('#loop').uncheck()
    page.get_by_role('button', name='Moment 1: 0:01.0 to 0:03.0, score 0.75', exact=True).first.click()
    page.wait_for_function("document.getElementById('video').currentTime >= 1.1")
    assert now(page) < 3
    page.evaluate("document.getElementById('video').pause()")
    page.wait_for_timeout(200)
    assert abs(brightness(page) - 60 * now(page)) < 20  # frame n is of grey 6 n, ten a second
    assert page.locator('#timelines button[aria-pressed=true]').count() == 1
    assert page.locator('#chosen').inner_text() == 'Moment 1: 0:01.0 to 0:03.0, score 0.75'
    assert page.locator('[aria-label^="Moment 4"]').count() == 0
    page.locator('#all').check()
    assert page.locator('[aria-label^="Moment 4"]').count() == 2  # one per model
    assert view.errors == []


def test_the_chosen_moment_repeats(view, video, tmp_path):
    page = view.page
    page.goto(write_answer_report(two_models(video), tmp_path / 'page.html').as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    page.evaluate('() => { window.jumps = 0; let last = 0; const video = document.getElementById("video");'
                  'video.addEventListener("timeupdate", () => { jumps += video.currentTime < last - 0.5;'
                  'last = video.currentTime; }); }')  # fmt: skip
    page.get_by_role('button', name='Moment 2: 0:00.0 to 0:01.0', exact=False).first.click()
    page.wait_for_function('window.jumps >= 2', timeout=10_000)
    assert now(page) < 1.3
    assert view.errors == []


def test_keyboard(view, video, tmp_path):
    page = view.page
    page.goto(write_answer_report(two_models(video), tmp_path / 'page.html').as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    page.keyboard.press('n')
    page.keyboard.press(' ')
    page.wait_for_function(
        "document.getElementById('video').paused && document.getElementById('video').currentTime >= 2"
    )
    assert page.locator('#chosen').inner_text() == 'True moment 1: 0:02.0 to 0:04.0'
    page.keyboard.press('ArrowLeft')
    page.wait_for_function("document.getElementById('video').currentTime < 2")
    page.keyboard.press('l')
    assert not page.locator('#loop').is_checked()
    page.locator('#loop').focus()
    page.keyboard.press(' ')  # is the checkbox's own key there
    assert page.locator('#loop').is_checked() and page.evaluate("document.getElementById('video').paused")
    page.keyboard.press('j')
    assert page.locator('h2').inner_text() == 'second'
    assert page.locator('#chosen').inner_text() == 'No moment was found.'
    page.locator('#filter').fill('onerror')
    assert page.locator('#queries button').count() == 1
    page.locator('#theme').click()
    assert page.evaluate('document.documentElement.dataset.theme') in ('dark', 'light')
    assert view.errors == []


def test_looks_and_labels(view, video, tmp_path):
    page = view.page
    page.goto(write_answer_report(two_models(video), tmp_path / 'page.html').as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    page.get_by_role('button', name='Moment 1: 0:01.0', exact=False).first.click()
    view.shoot('report')
    view.assert_accessible()
    assert view.errors == [] and all(url.startswith(('file:', 'data:')) for url in view.requests)


def data_set(count=4):
    values = [0.5, 0.1, 0.9, float('nan')] + [0.6] * count
    queries = [
        PageQuery(
            f'query {n}', [PageAnswer([(0.0, 1.0, 0.5)], None, {'mAP': value})], [(0.0, 1.0)], [0.0, 1.0], {'n': n}
        )
        for n, value in enumerate(values[:count])
    ]
    return Page('data set', ['model'], [PageVideo('v', 2.0, queries)])


def test_sorting_and_a_page_without_video(view, tmp_path):
    page = view.page
    page.goto(write_page(data_set(), tmp_path / 'page.html').as_uri())
    page.locator('#sort').select_option(label='mAP, lowest first')
    names = [text.split('\n')[0] for text in page.locator('#queries button').all_inner_texts()]
    assert names == ['query 1', 'query 0', 'query 2', 'query 3']
    page.locator('#sort').select_option(label='n, highest first')
    texts = page.locator('#queries button').all_inner_texts()
    assert texts[0].split('\n')[0] == 'query 3' and texts[1].split('\n')[1] == 'mAP 0.90 · n 2'
    assert 'no video file is known' in page.locator('#novideo').inner_text()
    assert not page.locator('#video').is_visible() and not page.locator('#loop').is_visible()
    view.shoot('data_set')
    view.assert_accessible()
    assert view.errors == []


def test_thousands_of_sentences(view, tmp_path):
    page = view.page
    page.goto(write_page(data_set(450), tmp_path / 'page.html').as_uri())
    assert page.locator('#queries button').count() == 200
    page.locator('#more').click()
    assert page.locator('#queries button').count() == 400 and page.locator('#count').inner_text() == '450 sentences'
    page.keyboard.press('k')  # the last one, which is not in the list yet
    assert page.locator('h2').inner_text() == 'query 449'
    assert page.locator('#queries button[aria-current=true]').inner_text().startswith('query 449')
    assert not page.locator('#more').is_visible() and view.errors == []


def test_a_video_that_is_gone(view, tmp_path):
    page = view.page
    page.goto(write_answer_report(two_models(tmp_path / 'gone.mp4'), tmp_path / 'page.html').as_uri())
    page.locator('#novideo').wait_for()
    assert 'The browser cannot play clip' in page.locator('#novideo').inner_text()


def test_a_table_is_sorted_by_its_headings(view, tmp_path):
    page = view.page
    lines = [['b & <i>c</i>', '9.50 ± 0.10'], ['a', '10.25'], ['d', '-']]
    page.goto(write_table_page('grid', ['', 'mAP'], lines, ['a note'], tmp_path / 'table.html').as_uri())
    column = page.locator('tbody td:first-child')
    assert column.all_inner_texts() == ['b & <i>c</i>', 'a', 'd']
    page.get_by_role('button', name='mAP').click()
    assert column.all_inner_texts() == ['a', 'b & <i>c</i>', 'd']
    page.get_by_role('button', name='mAP').click()
    assert column.all_inner_texts() == ['b & <i>c</i>', 'a', 'd']
    page.get_by_role('button', name='row').click()
    assert column.all_inner_texts() == ['a', 'b & <i>c</i>', 'd']
    assert page.locator('th').first.get_attribute('aria-sort') == 'ascending'
    view.shoot('table')
    view.assert_accessible()
    assert view.errors == []
