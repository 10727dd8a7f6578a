"""A real browser, and a video that it plays."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

#: Contrast is too low while colours fade from one scheme to the other.
_NO_FADING = '*, *::before, *::after { transition: none !important; animation: none !important }'
_TWO_FRAMES = '() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))'


class View:
    """A page of the browser.

    Attributes:
        page: The page, see playwright.
        errors: What the browser reported: errors of the console, exceptions, failed requests.
        requests: Addresses that were asked for.
    """

    def __init__(self, page, screenshots):
        self.page, self.errors, self.requests, self._screenshots = page, [], [], screenshots
        page.on('console', lambda message: self.errors.append(message.text) if message.type == 'error' else None)
        page.on('pageerror', lambda error: self.errors.append(str(error)))
        page.on('request', lambda request: self.requests.append(request.url))

    def shoot(self, name):
        """Keep what is seen, at the width of a desktop and of a phone, light and dark."""
        for scheme in ('light', 'dark'):
            self.page.emulate_media(color_scheme=scheme)
            for device, size in (('desktop', (1200, 900)), ('phone', (390, 844))):
                self.page.set_viewport_size({'width': size[0], 'height': size[1]})
                self.page.wait_for_timeout(300)
                # A phone does not scroll sideways.
                assert self.page.evaluate('document.documentElement.scrollWidth') == size[0]
                self.page.screenshot(path=self._screenshots / f'{name}_{device}_{scheme}.png')
        self.page.emulate_media(color_scheme='light')
        self.page.set_viewport_size({'width': 1200, 'height': 900})

    def assert_accessible(self):
        """Ask axe-core for labels, contrast and the rest of its rules, in both colour schemes."""
        axe = pytest.importorskip('axe_playwright_python.sync_playwright')
        self.page.add_style_tag(content=_NO_FADING)
        for scheme in ('light', 'dark'):
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate(_TWO_FRAMES)
            results = axe.Axe().run(self.page)
            assert results.violations_count == 0, f'{scheme}: {results.generate_report()}'
        self.page.emulate_media(color_scheme='light')


@pytest.fixture
def view(tmp_path):
    """A :class:`View`; its pictures go to the folder MMVMR_SCREENSHOTS, where one is named."""
    playwright = pytest.importorskip('playwright.sync_api')
    program = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if program is None:
        pytest.skip('no Chromium is installed')
    screenshots = Path(os.environ.get('MMVMR_SCREENSHOTS') or tmp_path / 'screenshots')
    screenshots.mkdir(parents=True, exist_ok=True)
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=program, args=['--no-sandbox'])
        yield View(chromium.new_page(viewport={'width': 1200, 'height': 900}), screenshots)
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
