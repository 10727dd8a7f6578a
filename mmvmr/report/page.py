"""Content of a page, and the file that it becomes."""

from __future__ import annotations

import base64
import dataclasses
import json
import mimetypes
import os
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
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
    """

    text: str
    answers: list[PageAnswer]
    truth: list[tuple[float, float]] | None = None


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
        models: Names of the models, at least one.
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

    Returns:
        The same path.

    Raises:
        ValueError: If a video is too large to be embedded, or a query has not one answer per model.
        OSError: If a file cannot be read or written.
    """
    videos = [_video(video, page, path, embed) for video in page.videos]
    content = {'title': page.title, 'models': page.models, 'notes': page.notes, 'videos': videos}
    text = json.dumps(nan_to_none(content), ensure_ascii=False, separators=(',', ':'))
    # Inside a script element "<" could end it.
    text = text.replace('<', '\\u003c').replace('\u2028', '\\u2028').replace('\u2029', '\\u2029')
    template = resources.files('mmvmr.report')
    html = template.joinpath('page.html').read_text(encoding='utf-8')
    for mark, part in (('STYLE', 'page.css'), ('SCRIPT', 'page.js')):
        html = html.replace(f'/*{mark}*/', template.joinpath(part).read_text(encoding='utf-8'))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as tmp:
        tmp.write_text(html.replace('{}/*DATA*/', text), encoding='utf-8')
    return path


def _video(video: PageVideo, page: Page, target: Path, embed: bool) -> dict[str, Any]:
    for query in video.queries:
        if len(query.answers) != len(page.models):
            raise ValueError(
                f'report: {video.name}, {query.text!r} has {len(query.answers)} answers, expected one per model '
                f'({len(page.models)}: {", ".join(page.models)})'
            )
    queries = [dataclasses.asdict(query) for query in video.queries]
    source = None if video.path is None else _source(video.path, target, embed)
    return {'name': video.name, 'duration': video.duration, 'queries': queries, 'src': source}


def _source(video: Path, target: Path, embed: bool) -> str:
    """Address of a video: its content, or its place relative to the page."""
    if not embed:
        try:
            place = os.path.relpath(video.absolute(), target.absolute().parent)
        except ValueError:  # another drive
            return video.absolute().as_uri()
        return quote(place.replace(os.sep, '/'))
    size = video.stat().st_size
    if size > LARGEST_EMBEDDED:
        raise ValueError(
            f'{video}: {size / 2**20:.0f} MiB are too much to embed (at most {LARGEST_EMBEDDED // 2**20}); refer to '
            'the file instead, or export clips'
        )
    kind = mimetypes.guess_type(video.name)[0] or 'video/mp4'
    return f'data:{kind};base64,{base64.b64encode(video.read_bytes()).decode("ascii")}'
