"""Moments at other places of the same video (BM-DETR's temporal shifting)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.masking import clips_of_windows
from mmvmr.registry import TRANSFORMS
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import endpoints

OPTIONS = {
    'clips': ('touched', 'labelled'),
    'reach': ('end', 'before_end'),
    'window': ('moved', 'clip_indices'),
    'tef': ('renewed', 'kept'),
    'full': ('skip', 'keep'),
}


class Move(NamedTuple):
    """A new order of L clips.

    Attributes:
        order: Old index of the clip at every new place.
        place: New index of every old clip.
        block: Which new places hold clips of moments.
    """

    order: np.ndarray
    place: np.ndarray
    block: np.ndarray


@TRANSFORMS.register_module()
class ShiftMoment(BaseTransform):
    """Add a view ``shift``: the moments at random places between the other clips, which keep their order.

    As published (BM-DETR, section 3.4): only in videos shorter than 60 s, as the order of events in long ones
    matters. A moment is moved with all clips that it touches, so that its new window is exact; every place can be its
    new one, the first and the last included. The temporal endpoint features are those of the new places, because they
    are appended afterwards. Ratings and clip labels move with their clips. Several moments get separate places,
    with a clip between them; moments that share a clip move as one. Views keep the sentence and a negative one.

    The defaults are the published description; the official code has ``max_duration=None, clips='labelled',
    reach='before_end', window='clip_indices', tef='kept', full='keep'``.

    Args:
        max_duration: In videos as long as this (seconds) or longer nothing is shifted; None shifts in all.
        clips: What is moved: all clips that a moment ``touched``, or those ``labelled`` as inside, without the one in
            which it ends.
        reach: Last new place: the ``end`` of the video, or ``before_end``, one clip before it.
        window: The new window: the old one ``moved``, or ``clip_indices``, the first and the last clip as if they
            were seconds. The window is then a clip too short, and labels in it are a clip too few.
        tef: ``renewed``, or ``kept``: every clip carries its old temporal endpoint features along.
        full: A video full of moments gets no view (``skip``), or an unchanged one (``keep``).

    Raises:
        ValueError: If an option is unknown.
    """

    name = 'shift'

    def __init__(
        self,
        max_duration: float | None = 60.0,
        clips: str = 'touched',
        reach: str = 'end',
        window: str = 'moved',
        tef: str = 'renewed',
        full: str = 'skip',
    ) -> None:
        chosen = {'clips': clips, 'reach': reach, 'window': window, 'tef': tef, 'full': full}
        for name, value in chosen.items():
            check_choice(self, name, value, OPTIONS[name])
        self.max_duration = max_duration
        self.clips = clips
        self.reach = reach
        self.window = window
        self.tef = tef
        self.full = full
        self._targets: Any = None

    def bind(self, dataset: Any) -> None:
        """Take the transform that labels clips."""
        self._targets = dataset.pipeline.finish.get('targets')

    def applicable(self, rows: Sequence[dict[str, Any]], clip_len: float) -> list[bool]:
        """Check for each row whether it has a moment that may be shifted; its clips show whether it finds room."""
        limit = float('inf') if self.max_duration is None else self.max_duration
        return [bool(row.get('relevant_windows')) and row['duration'] < limit for row in rows]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``views['shift']`` to a sample with ``video_feat``; it is unchanged where nothing can be shifted."""
        if not self.applicable([results], results['clip_len'])[0]:
            return results
        windows = results['relevant_windows']
        length = len(results['video_feat'])
        blocks = self._blocks(windows, length, results['clip_len'])
        move = self._move(blocks, length, results['rng'])
        view = {key: value for key, value in results.items() if key != 'views'}
        if move is not None:
            view.update(self._moved(results, move))
        elif self.full == 'skip' or not blocks:
            return results
        return {**results, 'views': {**results.get('views', {}), self.name: view}}

    def _blocks(self, windows: list[list[float]], length: int, clip_len: float) -> list[tuple[int, int]]:
        """Ranges (first, stop) of clips that move as one, in order."""
        if self.clips == 'touched':
            ranges = [block for block in clips_of_windows(windows, length, clip_len) if block[0] < block[1]]
        else:
            last = [max(0, min(int(end / clip_len), length) - 1) for _, end in windows]
            ranges = [(min(int(start / clip_len), b), b + 1) for (start, _), b in zip(windows, last)]
        merged: list[tuple[int, int]] = []
        for first, stop in sorted(ranges):
            if merged and first < merged[-1][1]:
                first, stop = merged[-1][0], max(stop, merged.pop()[1])
            merged.append((first, stop))
        return merged

    def _move(self, blocks: list[tuple[int, int]], length: int, rng: Any) -> Move | None:
        """Draw new places; None where there are too few."""
        inside = np.zeros(length, dtype=bool)
        for first, stop in blocks:
            inside[first:stop] = True
        outside = np.flatnonzero(~inside)
        places = len(outside) + (self.reach == 'end')
        if not blocks or not len(outside) or len(blocks) > places:
            return None
        slots = rng.sample(range(places), len(blocks))
        parts, done = [], 0
        for slot, (first, stop) in sorted(zip(slots, blocks)):
            parts += [outside[done:slot], np.arange(first, stop)]
            done = slot
        order = np.concatenate((*parts, outside[done:]))
        place = np.empty(length, dtype=np.int64)
        place[order] = np.arange(length)
        return Move(order, place, inside[order])

    def _moved(self, results: dict[str, Any], move: Move) -> dict[str, Any]:
        """Entries of the view that differ from the sample."""
        length, clip_len = len(move.order), results['clip_len']
        changed: dict[str, Any] = {'video_feat': results['video_feat'][move.order]}
        if self.tef == 'kept':
            changed['tef'] = endpoints(length)[move.order]
        if self.window == 'clip_indices':
            first, last = np.flatnonzero(move.block)[[0, -1]].tolist()
            # The labels remain correct; anything else derived from the window does not.
            return {**changed, 'relevant_windows': [[float(first), float(last)]], 'gt_clips': move.block}
        if hasattr(self._targets, 'clips_inside'):
            inside = self._targets.clips_inside(results['relevant_windows'], length, results)
            changed['clips_inside'] = inside[move.order]
        changed['relevant_windows'] = _moved_windows(results['relevant_windows'], move, clip_len)
        if results.get('relevant_clip_ids') is not None:
            changed['relevant_clip_ids'] = [
                int(move.place[clip]) if clip < length else clip for clip in results['relevant_clip_ids']
            ]
        return changed


def _moved_windows(windows: list[list[float]], move: Move, clip_len: float) -> list[list[float]]:
    length = len(move.order)
    moved = []
    for (start, end), (first, stop) in zip(windows, clips_of_windows(windows, length, clip_len)):
        if first < stop:  # else it is wholly outside of the clips
            shift = (int(move.place[first]) - first) * clip_len
            moved.append([max(start, 0) + shift, min(end, length * clip_len) + shift])
    return moved
