"""New videos out of two: the moment of one in a context of both (TD-DETR, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TASK_UTILS, TRANSFORMS
from mmvmr.utils import check_choice

TARGETS = ('moments', 'hull')
ORDERS = ('random', 'own_first', 'partner_first')


class Mixture(NamedTuple):
    """Clips of the same video and of the partner in a synthesized one, in order of time; a clip may repeat."""

    main: list[int]
    other: list[int]


def moment_clips(windows: list[list[float]], clip_len: float, length: int) -> list[range]:
    """Clips that each window (seconds) touches: a range, empty where it is wholly outside of the ``length`` clips."""
    ranges = []
    for start, end in windows:
        first = max(0, int(start / clip_len + 1e-6))  # 2 s / (1 / 6 s) is a little below 12
        ranges.append(range(first, max(first, min(length, math.ceil(end / clip_len - 1e-6)))))
    return ranges


@TRANSFORMS.register_module()
class SynthesizeVideo(BaseTransform):
    """Add a view ``synthesis``: the moments of the sample among clips of its video and of a partner's.

    As published (TD-DETR, section 3.1 and equation 10): the clips of the moments stay, of the other clips of the
    video the share ``alpha`` stays, and the share 1 - ``alpha`` of the clips of the partner comes before or after
    them, all in order of time. Windows and rated clips move with their clips, what comes from the partner is
    background, the duration follows the number of clips, the sentence stays. With ``alpha=1`` the view is the sample
    itself. Of the gap between two moments at least one clip stays, so that they remain two.

    The sample and its view are the two terms y and y' of the published loss: every mean runs over both unless
    ``criterion.view_weights`` says otherwise. A sample without a moment among its clips, or without a partner, gets
    no view.

    Args:
        alpha: Share of the own context that stays; 1 - ``alpha`` is the share of the partner's clips.
        partner: Config of the partner sampler, e.g. :class:`mmvmr.datasets.SimilarVideoSampler`.
        order: ``random``: the partner's clips come before or after the own ones with probability 1/2;
            ``own_first`` or ``partner_first``.

    Raises:
        ValueError: If an option is out of range.
    """

    name = 'synthesis'

    def __init__(self, alpha: float = 0.7, partner: dict[str, Any] | None = None, order: str = 'random') -> None:
        self.order = check_choice(self, 'order', order, ORDERS)
        if not 0 <= alpha <= 1:
            raise ValueError(f'SynthesizeVideo: alpha={alpha}, expected a share in [0, 1]')
        self.alpha = alpha
        self.partner = TASK_UTILS.build(partner or {'type': 'SimilarVideoSampler'})

    def bind(self, dataset: Any) -> None:
        """Take the data set that partners come from."""
        self.dataset = dataset
        self.partner.bind(dataset)

    def applicable(self, rows: Sequence[dict[str, Any]], clip_len: float) -> list[bool]:
        """Check for each row whether it has a moment; whether its video has a partner shows when one is looked for.

        Args:
            rows: Annotation rows of a data set.
            clip_len: Seconds per clip.

        Returns:
            One value per row.
        """
        return [bool(row.get('relevant_windows')) for row in rows]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the view.

        Args:
            results: The sample, with ``video_feat``.

        Returns:
            The sample with ``views['synthesis']``, whose ``source_clips`` (L, 2) tell where every clip comes from:
            0 own video or 1 partner, and the index of the clip there.
        """
        length, rng = len(results['video_feat']), results['rng']
        moments = moment_clips(results.get('relevant_windows') or [], results['clip_len'], length)
        clips_of_moments = sorted({clip for moment in moments for clip in moment})
        index = self.partner(results) if clips_of_moments else None
        if index is None:
            return results
        other = self.dataset.loaded(index, rng)['video_feat']
        mixture = self.mix(clips_of_moments, length, len(other), rng)
        own_first = self.order == 'own_first' or (self.order == 'random' and rng.uniform() < 0.5)
        view = {key: value for key, value in results.items() if key != 'views'}
        view.update(arrange(mixture, own_first, results['video_feat'], other, results['clip_len']))
        view.update(moved(results, moments, mixture.main, 0 if own_first else len(mixture.other)))
        return {**results, 'views': {**results.get('views', {}), self.name: view}}

    def mix(self, moment_clips: list[int], length: int, other_length: int, rng: Any) -> Mixture:
        """Choose the clips.

        Args:
            moment_clips: Clips of the moments, in order.
            length: Number of clips of the own video.
            other_length: Number of clips of the partner.
            rng: Source of random draws.
        """
        inside = set(moment_clips)
        context = [clip for clip in range(length) if clip not in inside]
        chosen = set(rng.sample(context, int(len(context) * self.alpha)))
        gaps = [clip for clip in context if moment_clips[0] < clip < moment_clips[-1]]
        for _, run in groupby(enumerate(gaps), lambda pair: pair[1] - pair[0]):
            gap = [clip for _, clip in run]
            if chosen.isdisjoint(gap):
                chosen.update(rng.sample(gap, 1))
        other = rng.sample(range(other_length), int(other_length * (1 - self.alpha)))
        return Mixture(sorted(inside | chosen), sorted(other))


def arrange(mixture: Mixture, own_first: bool, main: np.ndarray, other: np.ndarray, clip_len: float) -> dict[str, Any]:
    """Put the chosen clips of the videos ``main`` (L, D) and ``other`` (L', D) one after another.

    Returns:
        ``video_feat``, ``num_clips``, ``duration`` (seconds) and ``source_clips`` (see :class:`SynthesizeVideo`).
    """
    blocks = [main[mixture.main], other[mixture.other]]
    source = [[[video, clip] for clip in clips] for video, clips in enumerate(mixture)]
    if not own_first:
        blocks, source = blocks[::-1], source[::-1]
    length = len(mixture.main) + len(mixture.other)
    return {
        'video_feat': np.concatenate(blocks),
        'num_clips': length,
        'duration': length * clip_len,
        'source_clips': np.array(source[0] + source[1], dtype=np.int64),
    }


def moved(results: dict[str, Any], moments: list[range], remaining: list[int], lead: int) -> dict[str, Any]:
    """Labels of a sample whose clips were moved.

    Args:
        results: The sample before.
        moments: Clips of each window, all among ``remaining``.
        remaining: Which of its clips are left, in order.
        lead: How many clips come before them.

    Returns:
        ``relevant_windows`` in seconds, cut to the clips of the video, and, where the sample is rated,
        ``relevant_clip_ids`` and ``saliency_scores`` of the clips that are left.
    """
    clip_len, end = results['clip_len'], len(results['video_feat']) * results['clip_len']
    place = {clip: lead + position for position, clip in reversed(list(enumerate(remaining)))}
    windows = []
    for (start, stop), clips in zip(results['relevant_windows'], moments):
        if clips:
            shift = (place[clips[0]] - clips[0]) * clip_len
            windows.append([max(start, 0) + shift, min(stop, end) + shift])
    labels: dict[str, Any] = {'relevant_windows': windows}
    if results.get('relevant_clip_ids') is not None and results.get('saliency_scores') is not None:
        rated = [pair for pair in zip(results['relevant_clip_ids'], results['saliency_scores']) if pair[0] in place]
        labels['relevant_clip_ids'] = [place[clip] for clip, _ in rated]
        labels['saliency_scores'] = [scores for _, scores in rated]
    return labels
