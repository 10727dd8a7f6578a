"""Joining trimmed clips into videos whose moments are known to the second."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from torch import Tensor

from mmvmr.datasets.rng import SeededRng
from mmvmr.utils import read_jsonl


@dataclass(frozen=True)
class TrimmedClip:
    """A short video ``vid`` of ``num_clips`` feature vectors that its sentence describes as a whole."""

    vid: Any
    num_clips: int
    query: str


def read_clips(path: str | os.PathLike[str], limit: int | None = None) -> list[TrimmedClip]:
    """Read the clips that videos are joined from: a jsonl file with ``vid``, ``num_clips`` and ``query``.

    Raises:
        FileNotFoundError: If the file is absent.
        ValueError: If a line is impossible or a ``vid`` occurs twice.
    """
    clips: dict[Any, TrimmedClip] = {}
    for number, row in enumerate(read_jsonl(path, limit), start=1):
        vid, num_clips, query = (row.get(key) for key in ('vid', 'num_clips', 'query'))
        problem = ''
        if not isinstance(vid, (str, int)) or vid == '':
            problem = f'vid is {vid!r}, expected the name of a video'
        elif isinstance(num_clips, bool) or not isinstance(num_clips, int) or num_clips < 1:
            problem = f'num_clips is {num_clips!r}, expected the number of feature vectors of the video'
        elif not isinstance(query, str) or not query.strip():
            problem = f'query is {query!r}, expected the sentence that describes the video'
        elif vid in clips:
            problem = 'the vid occurs twice, expected one line per video'
        if problem:
            raise ValueError(f'{path}: row {number}, vid {vid!r}: {problem}')
        clips[vid] = TrimmedClip(vid, num_clips, query)
    return list(clips.values())


def join_clips(
    clips: Sequence[TrimmedClip], index: int, num_videos: int, clip_len: float, name: str, rng: SeededRng
) -> dict[str, Any]:
    """Join a clip with others in random order and ask for it.

    The others have another sentence than the one asked for, else it would have two moments.

    Args:
        clips: All clips.
        index: The clip that is asked for.
        num_videos: Number of parts N.
        clip_len: Length of a feature vector in seconds.
        name: What the query is called.
        rng: Source of random draws.

    Returns:
        An annotation row with ``parts`` (names in order), ``text`` (the one whose sentence it is) and ``clip_vid``
        (the same, as the source video).
    """
    asked = clips[index]
    others: list[int] = []
    # Nearly every clip is suitable: drawing again costs less than a list of all that are.
    while len(others) < num_videos - 1:
        other = rng.integers(0, len(clips))
        if other not in others and clips[other].query != asked.query:
            others.append(other)
    place = rng.integers(0, num_videos)
    parts = [clips[i] for i in (*others[:place], index, *others[place:])]
    before = sum(part.num_clips for part in parts[:place])
    return {
        'qid': name,
        'query': asked.query,
        'vid': f'join-{name}',
        'clip_vid': asked.vid,
        'duration': sum(part.num_clips for part in parts) * clip_len,
        'relevant_windows': [[before * clip_len, (before + asked.num_clips) * clip_len]],
        'parts': [part.vid for part in parts],
        'text': asked.vid,
    }


def check_joinable(clips: Sequence[TrimmedClip], num_videos: int, path: str | os.PathLike[str]) -> None:
    """Refuse clips of which some could never be joined to ``num_videos`` parts.

    Raises:
        ValueError: If that is below 2, or a clip lacks as many others with another sentence.
    """
    if num_videos < 2:
        raise ValueError(f'num_videos={num_videos}, expected at least 2: the one asked for and another one')
    same: dict[str, int] = {}
    for clip in clips:
        same[clip.query] = same.get(clip.query, 0) + 1
    query, count = max(same.items(), key=lambda item: item[1], default=('', 0))
    if len(clips) - count < num_videos - 1:
        raise ValueError(
            f'{path}: {len(clips)} clips, {count} of them with the sentence {query!r}; joining {num_videos} needs '
            f'{num_videos - 1} others with another sentence: use more clips or a smaller num_videos'
        )


class DrawnRows(Sequence):
    """Annotation rows that are other joins in every epoch; their ``qid`` and ``vid`` stay.

    Args:
        clips: All clips.
        joins: Rows of an epoch that ask for the same clip.
        num_videos: Number of parts N.
        clip_len: Length of a feature vector in seconds.
        state: (seed, epoch) in shared memory (2,), so that running workers see the present epoch.
    """

    def __init__(
        self, clips: Sequence[TrimmedClip], joins: int, num_videos: int, clip_len: float, state: Tensor
    ) -> None:
        self.clips = clips
        self.joins = joins
        self.num_videos = num_videos
        self.clip_len = clip_len
        self._state = state
        self._drawn: tuple[tuple[int, int], dict[int, dict[str, Any]]] = ((-1, -1), {})

    def __len__(self) -> int:
        return len(self.clips) * self.joins

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        seed, epoch = self._state.tolist()
        if self._drawn[0] != (seed, epoch):
            self._drawn = ((seed, epoch), {})
        rows = self._drawn[1]
        if index not in rows:
            rows[index] = self._row(index, seed, epoch)
        return rows[index]

    def _row(self, index: int, seed: int, epoch: int) -> dict[str, Any]:
        join, clip = divmod(index, len(self.clips))
        # Beyond the indices of samples and of groups, whose draws must not repeat.
        rng = SeededRng(seed, epoch, 2 * len(self) + index)
        name = f'{self.clips[clip].vid}-{join}'
        return join_clips(self.clips, clip, self.num_videos, self.clip_len, name, rng)
