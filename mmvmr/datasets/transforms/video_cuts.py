"""Videos of which the model sees the first part only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from mmvmr.structures import FeatureSpec

Row = Mapping[str, Any]


class VideoCuts:
    """Record of the videos that are longer than ``max_clips`` (or ``max_length`` of a stream), with one warning.

    Args:
        spec: Specification of the features.
        by_duration: All clips of a video together last as long as the video; else a clip lasts ``spec.clip_len``.
    """

    def __init__(self, spec: FeatureSpec, by_duration: bool) -> None:
        self.spec, self.by_duration = spec, by_duration
        limits = [spec.max_clips, *(stream.max_length for stream in spec.streams)]
        self.limit = min((limit for limit in limits if limit is not None), default=None)
        self._clips: dict[Any, tuple[int, int]] = {}  # of videos that were cut: clips before and after
        self._warned = False

    def announce(self, rows: Sequence[Row]) -> None:
        """Warn of videos that will be cut, as far as their durations tell."""
        if self.by_duration or self.limit is None:
            return
        clip_len = self.spec.clip_len
        durations = {video_of(row): float(row['duration']) for row in rows}
        long = {video: seconds for video, seconds in durations.items() if seconds > (self.limit + 1) * clip_len}
        if long:
            video = max(long, key=long.__getitem__)
            seen = f'{self.limit} clips of {clip_len:g} s, which are the first {self.limit * clip_len:g} s'
            self._warn(f'{len(long)} of {len(durations)} videos are', f'{video!r} has {long[video]:g} s', seen)

    def add(self, row: Row, before: int, after: int) -> None:
        """Record how many clips of a video are in the files, and how many the model sees."""
        if after == before:
            return
        self._clips[video_of(row)] = (before, after)
        if self.by_duration and self.loses_clips(row):
            seen = f'{after} clips, which are the first {self.seconds_seen(row):g} s'
            self._warn('at least one video is', f'{row["vid"]!r} has {before} clips in {row["duration"]:g} s', seen)

    def seconds_seen(self, row: Row) -> float:
        """Second up to which the model sees a video that was read; its duration where nothing was cut."""
        duration = float(row['duration'])
        if (video := video_of(row)) not in self._clips:
            return duration
        before, after = self._clips[video]
        return after * (duration / before if self.by_duration else self.spec.clip_len)

    def loses_clips(self, row: Row) -> bool:
        """True if more than one clip is lost; losing one is tolerated because extractors round."""
        if (video := video_of(row)) not in self._clips:
            return False
        before, after = self._clips[video]
        if self.by_duration:
            return before - after > 1
        return float(row['duration']) - self.seconds_seen(row) > self.spec.clip_len

    def _warn(self, count: str, example: str, seen: str) -> None:
        if not self._warned:
            self._warned = True
            print_log(
                f'{count} longer than feature_spec.max_clips allows ({example}): the model sees {seen}. Their '
                'predictions are marked with cut_at; raise max_clips to see more',
                logger='current',
                level=logging.WARNING,
            )


def video_of(row: Row) -> Any:
    """Hashable key of a video: joined videos keep their name and change their parts."""
    return (row['vid'], *row['parts']) if 'parts' in row else row['vid']
