"""Clips of a window, and their length in seconds, for every video that a finder is given."""

from __future__ import annotations

from collections.abc import Sequence

from mmvmr.apis.model_files import ModelFile
from mmvmr.apis.windows import Window

#: Seconds of a window where nothing says what a model was trained on (the videos of QVHighlights).
_DEFAULT_WINDOW = 150.0


class WindowLength:
    """Length of the windows of a model.

    A clip lasts as long as the feature specification declares; a model that was trained with ``clip_time='duration'``
    takes all clips of a video to last as long as the video, so that their length differs from video to video.

    Args:
        file: The model.
        seconds: Length of a window; None takes the longest training video, or the video whole if the model takes any.
            No window has more clips than ``max_clips`` of the features, to which the loader would cut it.

    Raises:
        ValueError: If the length is impossible.
    """

    def __init__(self, file: ModelFile, seconds: float | None) -> None:
        spec, model = file.feature_spec, file.model
        self.by_duration = (file.pipeline.get('load') or {}).get('clip_time') == 'duration'
        least = 0.0 if self.by_duration else spec.clip_len
        if seconds is not None and not (least <= seconds < float('inf') and seconds > 0):
            expected = 'a positive number' if self.by_duration else f'at least a clip of {spec.clip_len:g} s'
            raise ValueError(f'window={seconds:g} s, expected {expected}')
        any_length = getattr(model, 'windows', None) is not None or getattr(model, 'any_length', False)
        self._whole = seconds is None and any_length  # the detector takes a video of any length itself
        self._declared = spec.clip_len
        limits = (spec.max_clips, *(stream.max_length for stream in spec.streams))
        self._most_clips = min((limit for limit in limits if limit is not None), default=None)
        self._trained = None if file.longest is None else file.longest * spec.clip_len  # from durations, see its hook
        self._seconds = seconds

    def clip_len(self, duration: float, clips: int) -> float:
        """Seconds of a clip of a video with a duration in seconds and a number of clips."""
        return duration / clips if self.by_duration else self._declared

    def clips(self, clip_len: float) -> int | None:
        """Clips of a window where a clip lasts ``clip_len`` seconds; None for a video that is taken whole."""
        if self._whole:
            return self._most_clips
        if self._seconds is not None:
            wanted = _count(self._seconds, clip_len)
            return wanted if self._most_clips is None else min(wanted, self._most_clips)
        return self.trained(clip_len) or _count(_DEFAULT_WINDOW, clip_len)

    def trained(self, clip_len: float) -> int | None:
        """Clips of the longest training video, at ``clip_len`` seconds; None where it is unknown."""
        if self._most_clips or self._trained is None:
            return self._most_clips
        return _count(self._trained, clip_len)

    def notes(self, duration: float, clip_len: float, windows: Sequence[Window]) -> tuple[str, ...]:
        """Notes for a reader on the windows of a video, whose duration and length of a clip are in seconds."""
        notes, clips = [], windows[0].last - windows[0].first
        trained = self.trained(clip_len)
        if len(windows) > 1:
            notes.append(
                f'{duration:g} s were searched in {len(windows)} windows of {clips * clip_len:g} s; '
                'a moment longer than a window cannot be found whole'
            )
            if self._seconds is not None and _count(self._seconds, clip_len) > clips:
                notes.append(
                    f'a window of {self._seconds:g} s has more than the {clips} clips that the loader takes (max_clips)'
                )
        if trained and not self._whole and clips > trained:
            notes.append(
                f'the model sees {clips * clip_len:g} s at once but was trained on at most '
                f'{trained * clip_len:g} s; expect worse moments'
            )
        return tuple(notes)


def _count(seconds: float, clip_len: float) -> int:
    return max(1, round(seconds / clip_len))
