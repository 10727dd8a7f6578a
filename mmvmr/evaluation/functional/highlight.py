"""Highlight detection: average precision and HIT@1 of clip scores over padded arrays.

Shapes use ``Q`` queries, ``L`` clips, ``A`` annotators and ``K`` labels per clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .padding import Bools, Floats, pad_rows


def highlight_average_precision(scores: Floats, labels: Bools) -> Floats:
    """Interpolated average precision of clip scores, for several labellings of the same clips.

    Clips of equal score form one step of the precision-recall curve. The precision at a step is the highest one at
    that or any larger recall, and AP is its mean over the steps that raise recall, each counted once
    (Moment-DETR, ``standalone_eval/utils.py: get_ap``).

    Args:
        scores: Clip scores (Q, L); padding is ``-inf``.
        labels: Positive clips of every labelling (Q, L, K); False on padding.

    Returns:
        AP in [0, 1] of shape (Q, K); 0 for a labelling without positive clips.
    """
    order = np.argsort(-scores, axis=1, kind='stable')
    ranked = np.take_along_axis(scores, order, axis=1)
    found = np.take_along_axis(labels, order[..., None], axis=1).cumsum(axis=1)
    step_end = np.ones(scores.shape, dtype=bool)
    step_end[:, :-1] = ranked[:, :-1] != ranked[:, 1:]

    precision = np.where(step_end[..., None], found / np.arange(1, scores.shape[1] + 1)[:, None], 0.0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    at_steps = np.maximum.accumulate(np.where(step_end[..., None], found, 0), axis=1)
    raises = np.diff(at_steps, axis=1, prepend=0) > 0
    return np.asarray((envelope * raises).sum(axis=1) / np.maximum(raises.sum(axis=1), 1), dtype=np.float64)


def hit_at_one(top_clip: Any, labels: Bools) -> Bools:
    """Whether the clip of highest score is positive for at least one annotator.

    Args:
        top_clip: Index of that clip per query (Q,); an index past the annotated clips is a miss.
        labels: Positive clips (Q, L, A).

    Returns:
        Shape (Q,).
    """
    inside = top_clip < labels.shape[1]
    rows = np.arange(len(labels))
    return np.asarray(inside & labels[rows, np.where(inside, top_clip, 0)].any(axis=-1))


@dataclass(frozen=True)
class HighlightBatch:
    """Predicted clip scores and ratings of all queries.

    Attributes:
        scores: Predicted scores (Q, L), ``-inf`` where the video has no clip. A prediction longer than the annotated
            video is cut, a shorter one filled with 0, as the official evaluator does.
        top_clip: Index of the highest predicted score before cutting and filling (Q,).
        ratings: Ratings 0..4 of every clip and annotator (Q, L, A), 0 outside the relevant clips.
    """

    scores: Floats
    top_clip: Any
    ratings: Floats

    @classmethod
    def from_rows(
        cls, predictions: Sequence[Sequence[float]], annotations: Sequence[dict[str, Any]], clip_len: float
    ) -> HighlightBatch:
        """Pad and lay the ratings out over the video.

        Args:
            predictions: Predicted clip scores per query.
            annotations: Rows with ``duration``, ``relevant_clip_ids`` and ``saliency_scores``.
            clip_len: Seconds per clip.

        Returns:
            The batch.
        """
        num_clips = np.array([int(row['duration'] / clip_len) for row in annotations], dtype=np.int64)
        annotators = max((len(s) for row in annotations for s in row['saliency_scores'][:1]), default=1)
        ratings = np.zeros((len(annotations), int(num_clips.max(initial=1)), annotators))
        for i, row in enumerate(annotations):
            if row['relevant_clip_ids']:
                ratings[i, row['relevant_clip_ids']] = row['saliency_scores']

        predicted, predicted_mask = pad_rows(predictions)
        length = ratings.shape[1]
        scores = np.zeros((len(annotations), length))
        shared = min(length, predicted.shape[1])
        scores[:, :shared] = predicted[:, :shared]
        scores[np.arange(length) >= num_clips[:, None]] = -np.inf
        top_clip = np.where(predicted_mask, predicted, -np.inf).argmax(axis=1)
        return cls(scores=scores, top_clip=top_clip, ratings=ratings)

    def __len__(self) -> int:
        return len(self.scores)

    def average_precision(self, minimum: Sequence[int]) -> Floats:
        """AP at every smallest positive rating.

        Args:
            minimum: K smallest ratings of a positive clip.

        Returns:
            Shape (Q, K, A).
        """
        num_queries, length, annotators = self.ratings.shape
        labels = self.ratings[:, :, None, :] >= np.asarray(minimum)[:, None]
        flat = highlight_average_precision(self.scores, labels.reshape(num_queries, length, -1))
        return flat.reshape(num_queries, len(minimum), annotators)

    def hit_at_one(self, minimum: int) -> Bools:
        """HIT@1 of every query (Q,) with ``minimum`` the smallest rating of a positive clip."""
        return hit_at_one(self.top_clip, self.ratings >= minimum)
