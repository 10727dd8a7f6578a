"""The page of ``mmvmr demo`` in a real browser, served by a process of its own."""

import os
import re
import subprocess
import sys
import time

import pytest

pytest.importorskip('gradio')
pytest.importorskip('efficientnet_lite_pytorch')
pytestmark = pytest.mark.slow
ANSWER = '#answer iframe'


@pytest.fixture
def address(tmp_path, video):
    """Where the demo listens that offers one video."""
    (tmp_path / 'videos').mkdir()
    (tmp_path / 'videos' / 'from the folder.webm').write_bytes(video.read_bytes())
    command = [
        sys.executable,
        '-m',
        'mmvmr',
        'demo',
        '--videos',
        tmp_path / 'videos',
        '--cache-dir',
        tmp_path / 'cache',
    ]
    log = tmp_path / 'demo.log'
    # No network: a proxy that is not there.
    env = {**os.environ, 'HTTPS_PROXY': 'http://127.0.0.1:9', 'HF_HUB_OFFLINE': '1', 'PYTHONUNBUFFERED': '1'}
    with open(log, 'w') as stream:
        process = subprocess.Popen(list(map(str, command)), stdout=stream, stderr=stream, env=env)
    try:
        for _ in range(360):
            if found := re.search(r'ask videos at (http://127\.0\.0\.1:\d+/)', log.read_text()):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
        yield found[1]
    finally:
        process.terminate()  # SIGINT is ignored in background jobs
        process.wait(30)
    assert 'Traceback' not in log.read_text()


def upload(page, path):
    """Choose a file once Gradio has rendered: what is chosen in the same moment is lost."""
    page.wait_for_timeout(2000)
    with page.expect_response(lambda response: '/gradio_api/upload' in response.url):
        page.locator('input[type=file]').first.set_input_files(path)
    page.get_by_text(path.stem, exact=True).first.wait_for()


def test_upload_ask_click_and_export(view, video, address, tmp_path):
    page = view.page
    page.set_default_timeout(180_000)
    page.goto(address)
    upload(page, video)
    evil = '<script>document.title = "broken"</script> ${1 + 1}'
    page.get_by_label('Sentences').fill(f'a grey wall\n{evil}')
    page.get_by_role('button', name='Find').click()
    frame = page.frame_locator(ANSWER)
    moment = frame.locator('#timelines [aria-label^="Moment"]').last
    moment.wait_for()
    assert frame.locator('#queries button').all_inner_texts() == ['a grey wall', evil]
    start = float(re.search(r'(\d):(\d\d\.\d) to', moment.get_attribute('aria-label'))[2])
    frame.locator('#loop').uncheck()
    moment.click()
    player = frame.locator('#video')
    player.evaluate(
        '(v) => new Promise((done) => { if (v.currentTime > 0) done(); else v.ontimeupdate = () => done(); })'
    )
    assert player.evaluate('(v) => v.error === null && v.readyState >= 2 && v.videoWidth') == 64
    assert start <= player.evaluate('(v) => v.currentTime') <= 4
    assert page.title() == 'mmvmr'
    view.shoot('demo')

    # Gradio renders what comes into view, and a click in the same moment is lost: everything is in view.
    page.set_viewport_size({'width': 1200, 'height': 2000})
    page.wait_for_timeout(1000)
    page.get_by_label('srt').check()
    page.get_by_role('button', name='Export').click()
    with page.expect_download() as download:
        page.locator('a[download="clip.srt"]').first.click()
    assert ' --> ' in download.value.path().read_text()
    assert view.errors == []
    assert {re.match(r'\w+:(//[^/:]*)?', url)[0] for url in view.requests} <= {'http://127.0.0.1', 'data:', 'blob:'}


def test_mistakes_are_one_message(view, address, tmp_path):
    page = view.page
    page.set_default_timeout(180_000)
    page.goto(address)
    alert = page.locator('#message [role=alert]')
    page.get_by_role('button', name='Find').click()
    alert.wait_for()
    assert alert.inner_text().startswith('no sentence was given; ask at least one')
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'not a video')
    upload(page, broken)
    page.get_by_label('Sentences').fill('a dog')
    page.get_by_role('button', name='Find').click()
    page.wait_for_function('document.querySelector("#message [role=alert]")?.innerText.startsWith("broken.mp4")')
    assert str(tmp_path) not in alert.inner_text() and page.locator(ANSWER).count() == 0
    view.assert_accessible()
    view.shoot('demo_mistake')
