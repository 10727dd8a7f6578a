"""Probes that replace the clips of the moments, or all others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mmvmr.datasets.transforms.probes import OtherVideoProbe, Probe
from mmvmr.registry import TRANSFORMS
from mmvmr.utils import check_choice

MODES = ('zero', 'noise', 'mean')
ENDS = ('covering', 'before')


def clips_of_windows(
    windows: Iterable[Sequence[float]],
    length: int,
    clip_len: float,
    margin: float = 0.0,
    end: str = 'covering',
) -> list[tuple[int, int]]:
    """Clip ranges that windows touch.

    Args:
        windows: ``[start, end]`` in seconds.
        length: Number of clips.
        clip_len: Length of a clip in seconds.
        margin: Seconds that are added on both sides.
        end: ``covering``: the clip in which a window ends belongs to it; ``before``: only clips that end inside do.

    Returns:
        One ``(first, stop)`` per window, cut to the video; ``first >= stop`` where a window holds no clip.
    """
    whole = math.ceil if end == 'covering' else math.floor
    # Nine decimals: 0.3 / 0.1 is 2.9999999999999996.
    return [
        (
            max(0, math.floor(round((start - margin) / clip_len, 9))),
            min(length, whole(round((stop + margin) / clip_len, 9))),
        )
        for start, stop in windows
    ]


@TRANSFORMS.register_module()
class MaskTargets(Probe):
    """Replace the clips of the moments and leave everything else: what is still found there is spurious (TD-DETR).

    "We replace target clips with masks without changing the duration" (TD-DETR, ICCV 2025). The replacement happens
    on the stored features, before they are normalised. Options for the form of the official loader: ``mode='noise'``,
    ``margin=3.0``, ``clip_len=2.0``, ``end='before'``.

    Args:
        mode: ``zero``; ``noise``: uniform between the smallest and the largest value of the stream in this video;
            ``mean``: the mean of the clips outside all moments (of all clips where there are none outside).
        margin: Seconds on both sides that are replaced too.
        clip_len: Length of a clip in seconds; None takes that of the features.
        end: See :func:`clips_of_windows`.
        view: See :class:`mmvmr.datasets.transforms.probes.Probe`.

    Raises:
        ValueError: If ``mode`` or ``end`` is unknown.
    """

    changes = ('video',)

    def __init__(
        self,
        mode: str = 'zero',
        margin: float = 0.0,
        clip_len: float | None = None,
        end: str = 'covering',
        view: str | None = None,
    ) -> None:
        super().__init__(view)
        for name, value, choices in (('mode', mode, MODES), ('end', end, ENDS)):
            check_choice(self, name, value, choices)
        self.mode = mode
        self.margin = margin
        self.clip_len = clip_len
        self.end = end

    def bind(self, dataset: Any) -> None:
        """Take the loader from the data set; see also :class:`Probe`."""
        super().bind(dataset)
        self.load = dataset.pipeline.load

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mask the moments; ValueError without ``relevant_windows``, or if the length was changed before."""
        windows = target_windows(results, type(self).__name__)
        streams = [
            self._masked(stream, windows, results['clip_len'], results['rng'])
            for stream in self.load.streams(results['annotation'])
        ]
        return {'video_feat': same_length(self.load.join(streams), results)}

    def _masked(self, stream: np.ndarray, windows: list[list[float]], clip_len: float, rng: Any) -> np.ndarray:
        masked = stream.copy()
        ranges = clips_of_windows(windows, len(stream), self.clip_len or clip_len, self.margin, self.end)
        ranges = [(first, stop) for first, stop in ranges if first < stop]
        outside = np.ones(len(stream), dtype=bool)
        for first, stop in ranges:
            outside[first:stop] = False
        # Where windows overlap, the noise of the later one stays, as in the official loader.
        for first, stop in ranges:
            shape = (stop - first, stream.shape[1])
            if self.mode == 'noise':
                masked[first:stop] = rng.uniform(stream.min(), stream.max(), shape)
            elif self.mode == 'mean':
                masked[first:stop] = stream[outside].mean(0) if outside.any() else stream.mean(0)
            else:
                masked[first:stop] = 0
        return masked


@TRANSFORMS.register_module()
class ReplaceContext(OtherVideoProbe):
    """Replace clips outside the moments by clips of another video, in order of time.

    The dynamic-context split of TD-DETR (ICCV 2025, supplement S4.2) was not released; share, pairing and order are
    options here.

    Args:
        share: Part of the clips outside that is replaced, in [0, 1]; which ones is random below 1.
        view: See :class:`mmvmr.datasets.transforms.probes.Probe`.

    Raises:
        ValueError: If ``share`` is no part.
    """

    changes = ('video',)

    def __init__(self, share: float = 1.0, view: str | None = None) -> None:
        super().__init__(view)
        if not 0 <= share <= 1:
            raise ValueError(f'ReplaceContext: share={share}, expected a number in [0, 1]')
        self.share = share

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace the context; ValueError without ``relevant_windows``, or if the length was changed before."""
        streams, _ = self.replaced(results)
        return {'video_feat': same_length(self.load.join(streams), results)}

    def replaced(self, results: dict[str, Any]) -> tuple[list[np.ndarray], dict[str, Any]]:
        """The stored features with replaced context, for tools that write them.

        Returns:
            One array (L, D_s) per stream, all cut to the shortest, and the annotation row of the other video.
        """
        row = self.other(results)
        main, other = _cut(self.load.streams(results['annotation'])), _cut(self.load.streams(row))
        windows = target_windows(results, type(self).__name__)
        outside = np.ones(len(main[0]), dtype=bool)
        for first, stop in clips_of_windows(windows, len(outside), results['clip_len']):
            outside[first:stop] = False
        places = np.flatnonzero(outside).tolist()
        places = sorted(results['rng'].sample(places, round(self.share * len(places))))
        source = _in_order(len(other[0]), len(places), results['rng'])
        streams = [stream.copy() for stream in main]
        for stream, foreign in zip(streams, other):
            stream[places] = foreign[source]
        return streams, row


def _cut(streams: list[np.ndarray]) -> list[np.ndarray]:
    length = min(map(len, streams))
    return [stream[:length] for stream in streams]


def _in_order(available: int, wanted: int, rng: Any) -> list[int]:
    """``wanted`` of ``available`` clips in order of time; each before any is taken twice."""
    whole, remainder = divmod(wanted, available)
    return sorted([*range(available)] * whole + rng.sample(range(available), remainder))


def target_windows(results: dict[str, Any], who: str) -> list[list[float]]:
    """The annotated windows of a sample for the transform ``who``; ValueError if its split is not labelled."""
    windows = results.get('relevant_windows')
    if windows is None:
        raise ValueError(
            f'{who} needs the moments, but qid {results["qid"]!r} has no relevant_windows: evaluate a labelled split'
        )
    return windows


def same_length(features: np.ndarray, results: dict[str, Any]) -> np.ndarray:
    """The new features (L, Dv) of a sample; ValueError if it has another number of clips."""
    if len(features) != len(results['video_feat']):
        raise ValueError(
            f'qid {results["qid"]!r} has {len(results["video_feat"])} clips, the stored features {len(features)}: a '
            'probe reads the stored features and has to be the first entry of pipeline.augment'
        )
    return features
