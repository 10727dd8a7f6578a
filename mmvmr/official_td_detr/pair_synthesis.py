"""Both videos of a pair synthesized at once, as the official TD-DETR code does."""

from __future__ import annotations

import math
from typing import Any

from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.synthesis import Mixture, arrange
from mmvmr.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SynthesizePair(BaseTransform):
    """Replace a sample and its partner by two synthesized ones; the second becomes the view ``partner``.

    The official code differs from the description that :class:`SynthesizeVideo` follows:

    - what stays is everything from the first clip of the first moment to the last clip of the last one, gaps too;
      a window outside of the clips keeps the nearest one;
    - the number of the other clips of a video, and of those of the partner, is multiplied by a random factor in
      [0.8, 1.2]; clips above the number that was sampled are repetitions;
    - of fewer than ``min_clips`` sampled clips none is taken;
    - clips of the first video of the pair come first in both;
    - windows and rated clips move with the first moment, beyond the end where they were beyond it before.

    :class:`PairedDataset` puts the index of the partner into ``results['partner']``.

    Args:
        alpha: Share of the own context, and 1 - ``alpha`` the share of the partner's clips.
        jitter: Half the width of the range of the factor.
        min_clips: See above.

    Raises:
        ValueError: If an option is out of range.
    """

    name = 'partner'

    def __init__(self, alpha: float = 0.7, jitter: float = 0.2, min_clips: int = 3) -> None:
        if not 0 <= alpha <= 1 or not 0 <= jitter < 1 or min_clips < 0:
            raise ValueError(
                f'SynthesizePair: alpha={alpha}, jitter={jitter}, min_clips={min_clips}, expected shares in [0, 1] and '
                'a number of clips'
            )
        self.alpha = alpha
        self.jitter = jitter
        self.min_clips = min_clips

    def bind(self, dataset: Any) -> None:
        """Take the data set that partners come from.

        Args:
            dataset: The data set.
        """
        self.dataset = dataset

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Synthesize both.

        Args:
            results: The sample, with ``video_feat`` and ``partner``.

        Returns:
            The first synthesized sample, with the second in ``views['partner']``; both have ``source_clips`` (L, 2)
            as in :class:`SynthesizeVideo`, and ``source_duration`` in seconds.

        Raises:
            ValueError: If one of them has no moment.
        """
        rng = results['rng']
        pair = (results, self.dataset.loaded(results['partner'], rng))
        if absent := [one['qid'] for one in pair if not one.get('relevant_windows')]:
            raise ValueError(
                f'SynthesizePair: qid {absent[0]!r} has no relevant_windows, and only labelled rows can pair'
            )
        hulls = [moment_hull(one['relevant_windows'], one['clip_len'], len(one['video_feat'])) for one in pair]
        made = []
        for number, (sample, other, hull) in enumerate(zip(pair, pair[::-1], hulls)):
            mixture = self.mix(hull, len(sample['video_feat']), len(other['video_feat']), rng)
            lead = len(mixture.other) if number else 0
            offset = lead + mixture.main.index(hull[0]) - hull[0]
            arranged = arrange(mixture, not number, sample['video_feat'], other['video_feat'], sample['clip_len'])
            arranged |= {'source_duration': sample['duration'], **_moved(sample, offset)}
            made.append({**sample, **arranged})
        return {**made[0], 'views': {self.name: made[1]}}

    def mix(self, hull: range, length: int, other_length: int, rng: Any) -> Mixture:
        """Choose the clips of one video.

        Args:
            hull: Clips that stay.
            length: Number of clips of the own video.
            other_length: Number of clips of the other one.
            rng: Source of random draws.

        Returns:
            The clips.
        """
        context = [clip for clip in range(length) if clip not in hull]
        context_clips = self._sampled(context, int(len(context) * self.alpha), rng)
        other = self._sampled(list(range(other_length)), int(other_length * (1 - self.alpha)), rng)
        context_clips = self._jittered(context_clips, rng)
        return Mixture(sorted([*context_clips, *hull]), sorted(self._jittered(other, rng)))

    def _sampled(self, clips: list[int], count: int, rng: Any) -> list[int]:
        return sorted(rng.sample(clips, count)) if count >= self.min_clips else []

    def _jittered(self, clips: list[int], rng: Any) -> list[int]:
        # In this order of operations: the result of int() depends on it.
        factor = (1 + self.jitter) - rng.uniform() * (2 * self.jitter)
        count = len(clips) * factor
        if count > len(clips):
            return clips + rng.sample(clips, int(count - len(clips)))
        return rng.sample(clips, int(count))


def moment_hull(windows: list[list[float]], clip_len: float, length: int) -> range:
    """Everything from the first clip of the first moment to the last clip of the last one.

    Args:
        windows: In seconds, at least one.
        clip_len: In seconds.
        length: Number of clips of the video.

    Returns:
        The clips, at least one.
    """
    clips = []
    for start, end in windows:
        first = min(max(0, int(math.floor(start) / clip_len)), length - 1)
        clips += range(first, min(int(math.ceil(end) / clip_len), length))
    if not clips:
        clips = [first]
    return range(min(clips), max(clips) + 1)


def _moved(results: dict[str, Any], offset: int) -> dict[str, Any]:
    shift = offset * results['clip_len']
    labels: dict[str, Any] = {'relevant_windows': [[s + shift, e + shift] for s, e in results['relevant_windows']]}
    if results.get('relevant_clip_ids') is not None:
        labels['relevant_clip_ids'] = [clip + offset for clip in results['relevant_clip_ids']]
    return labels
