"""TVSum and YouTube Highlights as the authors of UMT share them: one JSON object, name of the video to its labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.by_video import read_object
from mmvmr.preparation.converters.located import LocatedRow


def tvsum_rows(
    path: str | os.PathLike[str], domains: Mapping[str, str] | None = None, only: Iterable[str] | None = None
) -> list[LocatedRow]:
    """Read ``tvsum_anno.json``: ``anno`` (one list of ratings of 20 annotators per clip) and ``title``.

    Args:
        path: The JSON file.
        domains: Name of the video to its domain (BK, BT, ...), where the file has no key ``domain``.
        only: Names of the videos of the wanted split; None for all.

    Returns:
        One row per video, whose sentence is its title. A clip lasts one second in it, as in the published jsonl.
    """
    rows = []
    for vid, video in _chosen(path, only, '{anno, title}'):
        label = video.get('anno')
        row = {
            'qid': vid,
            'query': video.get('title'),
            'duration': len(label) if isinstance(label, list) else None,
            'vid': vid,
            'relevant_clip_ids': None,
            'relevant_windows': None,
            'label': label,
            'domain': video.get('domain', (domains or {}).get(vid)),
        }
        located = LocatedRow(f'{path}: video {vid!r}', row, names={'label': 'anno', 'query': 'title'})
        if label is None:
            located.issues.append(Issue('anno', 'is missing', 'write one list of ratings per clip'))
            located.unknown = frozenset({'label', 'duration'})
        if row['domain'] is None:
            located.issues.append(Issue('domain', 'is missing', 'write it, or give a table of domains'))
        rows.append(located)
    return rows


def youtube_rows(
    path: str | os.PathLike[str], domains: Mapping[str, str] | None = None, only: Iterable[str] | None = None
) -> list[LocatedRow]:
    """Read ``youtube_anno.json``: ``clip`` ([first, last] frame), ``match`` (1, 0 or -1 per clip), ``frames``, ``fps``.

    Args:
        path: The JSON file.
        domains: Name of the video to its domain (dog, skiing, ...), where the file has no key ``domain``.
        only: Names of the videos of the wanted split; None for all.

    Returns:
        One row per video, whose sentence is its domain; clips that match the edited video are highlights.
    """
    rows = []
    for vid, video in _chosen(path, only, '{clip, match, frames, fps, domain}'):
        domain = video.get('domain', (domains or {}).get(vid))
        row: dict[str, Any] = {'qid': vid, 'query': domain, 'duration': None, 'vid': vid}
        row |= {'relevant_clip_ids': None, 'relevant_windows': None, 'label': None, 'domain': domain}
        located = LocatedRow(f'{path}: video {vid!r}', row, _youtube_issues(video, domain))
        located.unknown = frozenset({'query', 'duration'} if located.issues else ())
        if not located.issues:
            row['duration'] = video['frames'] / video['fps']
            row['label'] = [[int(match > 0)] for match in video['match']]
            row |= {key: video[key] for key in ('frames', 'fps', 'clip', 'match')}
        rows.append(located)
    return rows


def _youtube_issues(video: Mapping[str, Any], domain: Any) -> list[Issue]:
    issues = []
    if domain is None:
        issues.append(Issue('domain', 'is missing', 'write it, or give a table of domains'))
    match, clips = video.get('match'), video.get('clip')
    if not isinstance(match, list) or not match or any(value not in (-1, 0, 1) for value in match):
        issues.append(Issue('match', f'is {shown(match)}, expected a list of 1, 0 and -1', 'write one per clip'))
    elif not isinstance(clips, list) or len(clips) != len(match):
        count = len(clips) if isinstance(clips, list) else shown(clips)
        issues.append(Issue('clip', f'has {count} clips for {len(match)} of match', 'write [first, last] per clip'))
    for key in ('frames', 'fps'):
        value = video.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float('inf'):
            issues.append(Issue(key, f'is {shown(value)}, expected a positive number', 'write it'))
    return issues


def _chosen(path: str | os.PathLike[str], only: Iterable[str] | None, what: str) -> list[tuple[str, dict[str, Any]]]:
    content = read_object(path, what)
    if only is None:
        return list(content.items())
    names = list(only)
    if absent := [name for name in names if name not in content]:
        raise ValueError(f'{path}: no video {absent[:5]} ({len(absent)} of {len(names)} names of the split are absent)')
    return [(name, content[name]) for name in names]
