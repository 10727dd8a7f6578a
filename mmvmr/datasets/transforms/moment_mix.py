"""New samples with short moments, and with other surroundings (MomentMix of LA-DETR)."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.synthesis import moment_clips
from mmvmr.registry import TRANSFORMS
from mmvmr.structures import source_video

#: A sentence with one of these words says when something happens, which a new order of clips may make false.
TEMPORAL_WORDS = (
    'after', 'ahead', 'as', 'before', 'during', 'eventually', 'finish', 'following', 'later', 'meanwhile', 'next',
    'previously', 'once', 'since', 'start', 'starts', 'then', 'throughout', 'until', 'when', 'while',
)  # fmt: skip


class _MomentMix(BaseTransform):
    """Common parts of both views.

    Args:
        temporal_words: Sentences with one of these words get no view.
    """

    def __init__(self, temporal_words: Sequence[str] = TEMPORAL_WORDS) -> None:
        self.temporal_words = frozenset(temporal_words)

    def _usable(self, row: Mapping[str, Any]) -> bool:
        """Check whether a row has a moment and a sentence without temporal words."""
        words = re.findall(r'[a-z]+', row['query'].lower())
        return bool(row.get('relevant_windows')) and self.temporal_words.isdisjoint(words)

    def _moments(self, row: Mapping[str, Any], clip_len: float, length: int) -> list[tuple[range, list[float]]]:
        """Clips and window of every moment, in order; empty where there is none, or two share a clip or touch."""
        if not self._usable(row):
            return []
        windows = sorted(row['relevant_windows'])
        clips = moment_clips(windows, clip_len, length)
        if not all(clips) or any(a.stop >= b.start for a, b in itertools.pairwise(clips)):
            return []
        return list(zip(clips, windows))


def _lengths(row: Mapping[str, Any]) -> list[float]:
    """Lengths of the moments of a row in seconds."""
    return [end - start for start, end in row.get('relevant_windows') or []]


def gaps_between(moments: Sequence[range], length: int) -> list[range]:
    """Runs of clips outside of moments, in order."""
    edges = [0, *(edge for clips in moments for edge in (clips.start, clips.stop)), length]
    return [range(a, b) for a, b in zip(edges[::2], edges[1::2]) if a < b]


def cut(clips: range, points: Sequence[int]) -> list[range]:
    """Pieces of a range of clips; every point is the first clip of a piece."""
    edges = [clips.start, *sorted(points), clips.stop]
    return [range(a, b) for a, b in itertools.pairwise(edges)]


@TRANSFORMS.register_module()
class ForegroundMix(_MomentMix):
    """Add a view ``foreground_mix``: the longest moment cut into short ones, all pieces in a new order.

    The longest moment of n clips is cut at n // p - 1 random places, where p clips last ``piece`` seconds, and the
    surroundings at as many places as it takes to have a part before, between and after all moments. Parts of moments
    and of surroundings are shuffled apart and then alternate. Windows are exact: a clip that a moment fills in part
    keeps its margin. A video whose longest moment has less than 2 p clips, or too little around the moments, gets no
    view.

    Args:
        piece: Length in seconds that the parts of a cut moment have on average, or more.
        temporal_words: See :class:`_MomentMix`.

    Raises:
        ValueError: If ``piece`` is not positive.
    """

    name = 'foreground_mix'

    def __init__(self, piece: float = 10.0, temporal_words: Sequence[str] = TEMPORAL_WORDS) -> None:
        super().__init__(temporal_words)
        if piece <= 0:
            raise ValueError(f'ForegroundMix: piece={piece}, expected a positive number of seconds')
        self.piece = piece

    def applicable(self, rows: Sequence[dict[str, Any]], clip_len: float) -> list[bool]:
        """Check for each row whether its moment is cut, and what is around the moments; clips last ``clip_len``."""
        return [self._is_cut(row, clip_len, round(row['duration'] / clip_len)) for row in rows]

    def _is_cut(self, row: Mapping[str, Any], clip_len: float, length: int) -> bool:
        moments, size, longest = self._sizes(row, clip_len, length)
        gaps = gaps_between([clips for clips, _ in moments], length)
        return bool(moments) and self._cuts(gaps, len(moments) + max(1, longest // size - 1) + 1, size) is not None

    def _sizes(
        self, row: Mapping[str, Any], clip_len: float, length: int
    ) -> tuple[list[tuple[range, list[float]]], int, int]:
        """Moments, none where the longest is too short to be cut; clips of a piece, and of the longest moment."""
        moments = self._moments(row, clip_len, length)
        size = max(1, round(self.piece / clip_len))
        longest = max((len(clips) for clips, _ in moments), default=0)
        return (moments if longest >= max(2 * size, 2) else []), size, longest

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``views['foreground_mix']`` to a sample with ``video_feat`` where it can be cut."""
        length, rng = len(results['video_feat']), results['rng']
        moments, size, longest = self._sizes(results, results['clip_len'], length)
        if not moments:
            return results
        pieces = self._moment_pieces(moments, longest, size, results)
        gaps = gaps_between([clips for clips, _ in moments], length)
        cuts = self._cuts(gaps, len(pieces) + 1, size)
        if cuts is None:
            return results
        around: list[range] = []
        for gap, number in zip(gaps, cuts):
            around += cut(gap, rng.sample(range(gap.start + 1, gap.stop), number)) if number else [gap]
        pieces = [pieces[i] for i in rng.sample(range(len(pieces)), len(pieces))]
        around = [around[i] for i in rng.sample(range(len(around)), len(around))]
        order, windows = list(around[0]), []
        for (clips, lead, tail), after in zip(pieces, around[1:]):
            first = len(order) * results['clip_len']
            windows.append([first + lead, first + len(clips) * results['clip_len'] - tail])
            order += [*clips, *after]
        view = {key: value for key, value in results.items() if key != 'views'}
        view.update(video_feat=results['video_feat'][order], relevant_windows=windows, **_rated(results, order))
        return {**results, 'views': {**results.get('views', {}), self.name: view}}

    def _moment_pieces(
        self, moments: list[tuple[range, list[float]]], longest: int, size: int, results: dict[str, Any]
    ) -> list[tuple[range, float, float]]:
        """Clips of every new moment, and the seconds at its ends that do not belong to it."""
        pieces, clip_len = [], results['clip_len']
        for clips, (start, end) in moments:
            parts = [clips]
            if len(clips) == longest:
                places = range(clips.start + 1, clips.stop)
                parts = cut(clips, results['rng'].sample(places, max(1, longest // size - 1)))
                longest = -1  # only the first one of this length
            for part in parts:
                lead = max(0.0, start - part.start * clip_len)
                pieces.append((part, lead, max(0.0, part.stop * clip_len - end)))
        return pieces

    @staticmethod
    def _cuts(gaps: list[range], number: int, size: int) -> list[int] | None:
        """Cuts of every gap that make ``number`` pieces of all; None where they are too short."""
        missing, cuts = number - len(gaps), []
        for gap in gaps:
            cuts.append(max(0, min(len(gap) // size - 1, len(gap) - 1, missing)))
            missing -= cuts[-1]
        return cuts if missing == 0 else None


def _rated(results: dict[str, Any], order: list[int]) -> dict[str, Any]:
    """Rated clips in the new order."""
    if results.get('relevant_clip_ids') is None or results.get('saliency_scores') is None:
        return {}
    scores = dict(zip(results['relevant_clip_ids'], results['saliency_scores']))
    rated = [(place, scores[clip]) for place, clip in enumerate(order) if clip in scores]
    return {'relevant_clip_ids': [place for place, _ in rated], 'saliency_scores': [score for _, score in rated]}


@TRANSFORMS.register_module()
class BackgroundMix(_MomentMix):
    """Add a view ``background_mix``: the moments of a sample among moments of other videos.

    Every run of clips around the moments is replaced by as many clips from the beginning of a moment of another video
    that is at least as long, in seconds and in clips, drawn at random. Windows, ratings and duration stay. A sample
    without a moment up to ``shortest``, or with a run that no moment of another video fills, gets no view.

    Args:
        shortest: A sample gets the view if it has a moment up to this many seconds.
        temporal_words: See :class:`_MomentMix`.
    """

    name = 'background_mix'
    _TRIES = 10

    def __init__(self, shortest: float = 30.0, temporal_words: Sequence[str] = TEMPORAL_WORDS) -> None:
        super().__init__(temporal_words)
        self.shortest = shortest

    def applicable(self, rows: Sequence[dict[str, Any]], clip_len: float) -> list[bool]:
        """Check for each row whether it has a short moment, and moments of other videos may fill its surroundings."""
        longest: dict[str, float] = {}
        for row in rows:
            video = source_video(row['vid'])
            longest[video] = max([longest.get(video, 0.0), *_lengths(row)])
        ranked = sorted(longest, key=longest.__getitem__, reverse=True)[:2]
        return [self._usable(row) and self._fits(row, ranked, longest) for row in rows]

    def _fits(self, row: Mapping[str, Any], ranked: Sequence[str], longest: Mapping[str, float]) -> bool:
        """Check a row against the longest moment of another video; ``ranked`` are the videos with the two longest."""
        others = [longest[video] for video in ranked if video != source_video(row['vid'])]
        edges = [0.0, *itertools.chain(*sorted(row['relevant_windows'])), row['duration']]
        gap = max(b - a for a, b in zip(edges[::2], edges[1::2]))
        return min(_lengths(row)) <= self.shortest and gap > 0 and gap <= max(others, default=0.0)

    def bind(self, dataset: Any) -> None:
        """List the moments of a data set by their length."""
        self.dataset = dataset
        lengths = [
            (end - start, index, start, end)
            for index, row in enumerate(dataset.rows)
            for start, end in row.get('relevant_windows') or []
        ]
        self._moments_by_length = sorted(lengths)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``views['background_mix']`` to a sample with ``video_feat`` where other moments fill its gaps."""
        moments = self._moments(results, results['clip_len'], len(results['video_feat']))
        if not moments or min(end - start for _, (start, end) in moments) > self.shortest:
            return results
        mixed = results['video_feat'].copy()
        gaps = gaps_between([clips for clips, _ in moments], len(mixed))
        for gap in gaps:
            clips = self._other_clips(results, len(gap))
            if clips is None:
                return results
            mixed[gap.start : gap.stop] = clips
        if not gaps:
            return results
        view = {key: value for key, value in results.items() if key != 'views'} | {'video_feat': mixed}
        return {**results, 'views': {**results.get('views', {}), self.name: view}}

    def _other_clips(self, results: dict[str, Any], number: int) -> np.ndarray | None:
        """Clips (number, D) of a moment of another video; None where none was found."""
        clip_len, rng, moments = results['clip_len'], results['rng'], self._moments_by_length
        first = bisect.bisect_left(moments, (number * clip_len - 1e-6,))
        for _ in range(self._TRIES if first < len(moments) else 0):
            _, index, start, end = moments[rng.integers(first, len(moments))]
            if source_video(self.dataset.rows[index]['vid']) == source_video(results['vid']):
                continue
            other = self.dataset.loaded(index, rng)
            feat, other_len = other['video_feat'], other['clip_len']  # its clips may last longer than the own ones
            begin = max(0, int(start / other_len + 1e-6))
            if begin + number <= min(len(feat), end / other_len + 1e-6):
                return feat[begin : begin + number]
        return None
