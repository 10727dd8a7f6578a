"""Make docs/images/report.png: a zero-shot answer on a video of photographs, as a browser shows it.

    python tools/analysis_tools/report_picture.py docs/images/report.png

The camera moves over the photographs that scikit-image carries (pip install scikit-image), five seconds each.
Needs the extra `offline`, playwright and Chromium.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmvmr.apis import Answers, MomentFinder
from mmvmr.report import write_answer_report
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.dependencies import require

#: Name of the photograph in skimage.data, and a sentence about it; None for a scene that is not asked for.
SCENES = (
    ('grass', None),
    ('coffee', 'a cup of coffee on the table'),
    ('astronaut', 'a portrait of an astronaut'),
    ('chelsea', 'a cat looks around'),
    ('gravel', None),
    ('rocket', 'a rocket on the launch pad'),
    ('brick', None),
)
SECONDS, RATE, SIZE = 5, 12, (480, 270)


def scene(name: str) -> Iterator[np.ndarray]:
    """Frames of a camera that moves over a photograph.

    Args:
        name: Name in ``skimage.data``.

    Yields:
        (270, 480, 3), uint8.
    """
    from PIL import Image

    picture = Image.fromarray(getattr(require('skimage.data', __file__, 'pip install scikit-image'), name)())
    picture = picture.convert('RGB')
    width = min(picture.width, picture.height * SIZE[0] / SIZE[1]) * 0.9
    height = width * SIZE[1] / SIZE[0]
    for step in np.linspace(0, 1, SECONDS * RATE):
        left, top = step * (picture.width - width), (0.3 + 0.2 * step) * (picture.height - height)
        yield np.asarray(picture.resize(SIZE, Image.Resampling.BILINEAR, (left, top, left + width, top + height)))


def write_video(path: Path) -> None:
    """Write the scenes one after the other.

    Args:
        path: The video file.
    """
    av = require('av', 'report_picture.py')
    with av.open(str(path), 'w') as writer:
        stream = writer.add_stream('libvpx', rate=RATE, options={'crf': '8', 'b': '1M'})
        stream.width, stream.height, stream.pix_fmt = *SIZE, 'yuv420p'
        for name, _ in SCENES:
            for frame in scene(name):
                writer.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        writer.mux(stream.encode(None))


def answer(video: Path) -> Answers:
    """Zero-shot answers to the sentences, with the true windows."""
    truth = {text: (n * SECONDS, (n + 1) * SECONDS) for n, (_, text) in enumerate(SCENES) if text}
    answers = MomentFinder.zero_shot(max_moments=5).encode(video, 'seven photographs').find(*truth)
    items = tuple(dataclasses.replace(item, truth=(truth[item.query],)) for item in answers)
    return dataclasses.replace(answers, items=items)


def photograph(page: Path, target: Path) -> None:
    """Open a page, play the best moment of the third sentence, and save what the browser shows.

    Args:
        page: The HTML file.
        target: The PNG file.
    """
    playwright = require('playwright.sync_api', 'report_picture.py', 'pip install playwright')
    program = shutil.which('chromium') or shutil.which('google-chrome')
    if program is None:
        raise UserError('no Chromium is installed (Debian: apt install chromium)')
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=program, args=['--no-sandbox'])
        view = browser.new_page(viewport={'width': 1100, 'height': 760})
        view.goto(page.as_uri())
        view.wait_for_function("document.getElementById('video').readyState >= 2")
        view.locator('#queries button').nth(2).click()
        view.locator('#timelines [aria-label^="Moment 1"]').click()
        view.wait_for_timeout(1200)
        view.screenshot(path=str(target))
        browser.close()


def main(argv: list[str] | None = None) -> int:
    """Make the picture; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='the PNG file')
    args = parser.parse_args(argv)
    with one_line_errors(ImportError, OSError, ValueError), tempfile.TemporaryDirectory() as folder:
        video = Path(folder, 'photographs.webm')
        write_video(video)
        answers = answer(video)
        for item in answers:
            print(item.query, item.truth[0], [(m.start, m.end) for m in item.moments[:1]])
        photograph(write_answer_report(answers, Path(folder, 'page.html')), args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
