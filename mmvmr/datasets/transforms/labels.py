"""Sources of clip labels: human ratings where a data set has them, otherwise the windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mmvmr.datasets.schema import Issue
from mmvmr.registry import TASK_UTILS
from mmvmr.utils import check_choice


class ClipLabels(NamedTuple):
    """Labels of the clips of a sample.

    Attributes:
        saliency: Rating of every clip (L,), float32, 0 outside the moments.
        pairs: Clip indices (2, 2): column by column a pair of a higher (row 0) and a lower (row 1) clip; -1 = none.
    """

    saliency: np.ndarray
    pairs: np.ndarray


class _Labels:
    choices: tuple[str, ...] = ('repeat', 'ignore')

    def __init__(self, no_negative: str = 'repeat') -> None:
        self.no_negative = check_choice(self, 'no_negative', no_negative, self.choices)

    def row_issues(self, row: Mapping[str, Any], missing: bool = True) -> list[Issue]:
        """Reasons why the labels of a row cannot be used.

        Args:
            row: Annotation row.
            missing: Whether absent labels are one; otherwise only labels that are there are checked.

        Returns:
            The issues; empty for a row that can be used.
        """
        return []


@TASK_UTILS.register_module()
class HighlightLabels(_Labels):
    """Ratings of three annotators (QVHighlights), and two ranked pairs (Moment-DETR, equation 5).

    The rating of a clip is the sum over the annotators. Column 0 is the hard pair, the best and the worst rated of
    the relevant clips; column 1 the easy pair, a random relevant clip and a random clip outside. Where several clips
    have the extreme rating, a stable sort decides: the published code uses numpy's default sort, whose choice among
    equals depends on the processor from 17 clips on.

    Args:
        no_negative: Without a clip outside the moments: ``repeat`` the hard pair (published code) or ``ignore`` the
            easy pair (-1).
        best: Highest rating of one annotator; the lowest is 0.
    """

    def __init__(self, no_negative: str = 'repeat', best: float = 4.0) -> None:
        super().__init__(no_negative)
        self.best = best

    def row_issues(self, row: Mapping[str, Any], missing: bool = True) -> list[Issue]:
        """Missing ratings, and ratings outside the scale; as :meth:`MomentLabels.row_issues`."""
        scores = row.get('saliency_scores')
        if scores is None or row.get('relevant_clip_ids') is None:
            fix = "write relevant_clip_ids and saliency_scores, or set pipeline.targets.labels.type='MomentLabels'"
            return [Issue('saliency_scores', 'is missing', f'{fix} for data without ratings')] if missing else []
        odd = next((rating for ratings in scores for rating in ratings if not 0 <= rating <= self.best), None)
        if odd is None:
            return []
        fix = 'bring the ratings to this scale, or set pipeline.targets.labels.best to the highest rating'
        return [Issue('saliency_scores', f'has a rating of {odd:g}, expected 0 to {self.best:g}', fix)]

    def __call__(self, results: dict[str, Any], inside: np.ndarray) -> ClipLabels:
        """Ratings and pairs of a sample by its ``saliency_scores``, whatever clips are inside a window (L,) bool.

        Raises:
            ValueError: If the sample has no ratings.
        """
        clips, scores = results.get('relevant_clip_ids'), results.get('saliency_scores')
        if clips is None or scores is None:
            raise ValueError(
                f"qid {results['qid']!r} has no saliency_scores; set pipeline.targets.labels.type='MomentLabels' for "
                'data without ratings'
            )
        length, rng = len(inside), results['rng']
        saliency = np.zeros(length, dtype=np.float32)
        if not clips:
            return ClipLabels(saliency, np.full((2, 2), -1, dtype=np.int64))
        total = [sum(ratings) for ratings in scores]  # arrays would be slower for so few numbers
        last = length - 1
        for clip, rating in zip(clips, total):
            if clip < length:  # features may be a clip shorter than the annotation
                saliency[clip] = rating
        best = len(total) - 1 - total[::-1].index(max(total))  # the last one, as a stable sort has it
        hard = [min(clips[best], last), min(clips[total.index(min(total))], last)]
        relevant = set(clips)
        outside = [clip for clip in range(length) if clip not in relevant]
        if outside:
            easy = [min(rng.sample(clips, 1)[0], last), rng.sample(outside, 1)[0]]
        else:
            easy = hard if self.no_negative == 'repeat' else [-1, -1]
        return ClipLabels(saliency, np.array([hard, easy], dtype=np.int64).T)


@TASK_UTILS.register_module()
class MomentLabels(_Labels):
    """Label 1 inside the windows, for data without ratings (Charades-STA, TACoS, ActivityNet-Captions).

    Both pairs are a random clip inside and a random clip outside, as QD-DETR and CG-DETR train.

    Args:
        no_negative: With less than two clips outside: ``repeat`` the clips inside (published code, pairs without
            gradient); ``ignore`` the pairs (-1) where there is none, and use the only one twice; ``first`` does so
            too, and takes the first clip of the video where there is none (official BM-DETR).
    """

    choices = ('repeat', 'ignore', 'first')

    def __call__(self, results: dict[str, Any], inside: np.ndarray) -> ClipLabels:
        """Labels and pairs of a sample by the clips inside a window (L,) bool."""
        saliency = inside.astype(np.float32)
        positive, negative = np.flatnonzero(inside).tolist(), np.flatnonzero(~inside).tolist()
        if not positive:
            return ClipLabels(saliency, np.full((2, 2), -1, dtype=np.int64))
        rng = results['rng']
        high = rng.sample(positive, 2) if len(positive) > 1 else positive * 2
        if len(negative) > 1:
            low = rng.sample(negative, 2)
        elif self.no_negative == 'repeat':
            low = high
        elif negative:
            low = negative * 2
        elif self.no_negative == 'first':
            low = [0, 0]
        else:
            high, low = [-1, -1], [-1, -1]
        return ClipLabels(saliency, np.array([high, low], dtype=np.int64))
