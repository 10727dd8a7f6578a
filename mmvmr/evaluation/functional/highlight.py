"""Highlight detection: average precision and HIT@1 of clip scores over padded arrays.

Shapes use ``Q`` queries, ``L`` clips, ``A`` annotators and ``K`` labels per clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from .padding import Bools, Floats, pad_rows, stack_rows

#: Queries that are scored at a time: the arrays of a block stay in the cache, which halves the time.
BLOCK = 64


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
    parts = [_block(scores[i : i + BLOCK], labels[i : i + BLOCK]) for i in range(0, len(scores), BLOCK)]
    return np.concatenate(parts) if parts else np.zeros((0, labels.shape[2]))


def _block(scores: Floats, labels: Bools) -> Floats:
    """:func:`highlight_average_precision` of a few queries."""
    order = np.argsort(-scores, axis=1, kind='stable')
    rows = np.arange(len(scores))[:, None]
    ranked = scores[rows, order]
    positive = np.ascontiguousarray(labels[rows, order].transpose(0, 2, 1))  # (Q, K, L): sums run along memory
    found = positive.cumsum(axis=2, dtype=np.int32)
    precision = found / np.arange(1, scores.shape[1] + 1)
    # Padding is one long tie, which changes nothing: recall does not rise there and precision falls.
    tied = (ranked[:, :-1] == ranked[:, 1:]) & (ranked[:, :-1] > -np.inf)
    with_ties = tied.any(axis=1)
    if with_ties.any():
        inside = np.zeros((int(with_ties.sum()), 1, scores.shape[1]), dtype=bool)
        inside[:, 0, :-1] = tied[with_ties]
        precision[with_ties] = np.where(inside, 0.0, precision[with_ties])
        at_steps = np.maximum.accumulate(np.where(inside, 0, found[with_ties]), axis=2)
        positive[with_ties] = np.diff(at_steps, axis=2, prepend=0) > 0  # once per step that raises recall
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    return np.asarray((envelope * positive).sum(axis=2) / np.maximum(positive.sum(axis=2), 1), dtype=np.float64)


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
        counts = [len(row['relevant_clip_ids']) for row in annotations]
        clips = list(chain.from_iterable(row['relevant_clip_ids'] for row in annotations))
        if clips:
            rated = np.repeat(np.arange(len(annotations)), counts)
            scores_of_clips = list(chain.from_iterable(row['saliency_scores'] for row in annotations))
            ratings[rated, clips] = stack_rows(scores_of_clips, annotators)

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
