"""Content of a page, and the file that it becomes."""

from __future__ import annotations

import base64
import dataclasses
import json
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from mmvmr.utils.io import atomic_write, nan_to_none

#: Videos above this size are not embedded: browsers give up on pages of that size.
LARGEST_EMBEDDED = 200 * 2**20


@dataclass
class PageAnswer:
    """Answer of one model to one sentence.

    Attributes:
        moments: (start, end, score) in seconds, best first.
        saliency: Score of every clip in [0, 1], or None.
        metrics: Name to value, e.g. the IoU of the best moment; shown in the list and sortable.
    """

    moments: list[tuple[float, float, float]]
    saliency: list[float] | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass
class PageQuery:
    """A sentence with the answers of all models.

    Attributes:
        text: The sentence.
        answers: One per model of the page, in their order.
        truth: True (start, end) windows in seconds; None where they are unknown, empty where nothing is shown.
        ratings: How annotators rated every clip, in [0, 1], or None.
        metrics: Name to value of what belongs to the query and to no model; shown and sortable as those of answers.
    """

    text: str
    answers: list[PageAnswer]
    truth: list[tuple[float, float]] | None = None
    ratings: list[float] | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass
class PageVideo:
    """A video with its sentences.

    Attributes:
        name: Name of the video.
        duration: Length in seconds.
        queries: The sentences.
        path: The video file; None shows timelines only.
    """

    name: str
    duration: float
    queries: list[PageQuery]
    path: Path | None = None


@dataclass
class Page:
    """Everything on a page.

    Attributes:
        title: Heading.
        models: Names of the models; none shows only what is true.
        videos: The videos.
        notes: Sentences below the heading.
    """

    title: str
    models: list[str]
    videos: list[PageVideo]
    notes: list[str] = field(default_factory=list)


def write_page(page: Page, path: Path, embed: bool = False) -> Path:
    """Write a page.

    Args:
        page: Its content.
        path: The HTML file; complete or absent.
        embed: Put the videos into the page, so that it can be sent to others; otherwise it refers to the files by paths
            relative to its own folder.

    Raises:
        ValueError: If a video is too large to be embedded, or a query has not one answer per model.
        OSError: If a file cannot be read or written.
    """
    html = render_page(page, _embedded if embed else lambda video: _relative(video, path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as tmp:
        tmp.write_text(html, encoding='utf-8')
    return path


def render_page(page: Page, address: Callable[[Path], str]) -> str:
    """The HTML of a page.

    Args:
        page: Its content.
        address: Address of a video file, for the player.

    Returns:
        A whole document that loads nothing but the videos.

    Raises:
        ValueError: If a query has not one answer per model.
    """
    content = dataclasses.asdict(page)
    for video, entry in zip(page.videos, content['videos']):
        _check_answers(video, page.models)
        path = entry.pop('path')
        entry['src'] = None if path is None else address(path)
    text = json.dumps(nan_to_none(content), ensure_ascii=False, separators=(',', ':'))
    # Inside a script element "<" could end it.
    text = text.replace('<', '\\u003c').replace('\u2028', '\\u2028').replace('\u2029', '\\u2029')
    template = resources.files('mmvmr.report')
    html = template.joinpath('page.html').read_text(encoding='utf-8')
    for mark, part in (('STYLE', 'page.css'), ('SCRIPT', 'page.js')):
        html = html.replace(f'/*{mark}*/', template.joinpath(part).read_text(encoding='utf-8'))
    return html.replace('{}/*DATA*/', text)


def _check_answers(video: PageVideo, models: list[str]) -> None:
    for query in video.queries:
        if len(query.answers) != len(models):
            raise ValueError(
                f'report: {video.name}, {query.text!r} has {len(query.answers)} answers, expected one per model '
                f'({len(models)}: {", ".join(models)})'
            )


def _relative(video: Path, target: Path) -> str:
    """Address of a video as seen from a page."""
    try:
        place = os.path.relpath(video.absolute(), target.absolute().parent)
    except ValueError:  # another drive
        return video.absolute().as_uri()
    return quote(place.replace(os.sep, '/'))


def _embedded(video: Path) -> str:
    """The content of a video as an address."""
    size = video.stat().st_size
    if size > LARGEST_EMBEDDED:
        raise ValueError(
            f'{video}: {size / 2**20:.0f} MiB are too much to embed (at most {LARGEST_EMBEDDED // 2**20}); refer to '
            'the file instead, or export clips'
        )
    kind = mimetypes.guess_type(video.name)[0] or 'video/mp4'
    return f'data:{kind};base64,{base64.b64encode(video.read_bytes()).decode("ascii")}'
