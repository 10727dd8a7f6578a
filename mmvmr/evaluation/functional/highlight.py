"""Highlight detection: average precision and HIT@1 of clip scores over padded arrays.

Shapes use ``Q`` queries, ``L`` clips, ``A`` annotators and ``K`` labels per clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Bools, Floats, Rows, as_ragged, pad_rows
from mmvmr.evaluation.functional.protocols import Protocol
from mmvmr.evaluation.functional.values import InputError

#: Queries that are scored at a time.
BLOCK = 1024


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
    """:func:`highlight_average_precision` of a few queries.

    It walks up the ranking, one rank of all queries and labellings at a time: the arrays of a rank stay in the cache.
    """
    order = np.argsort(-scores, axis=1, kind='stable').T
    query = np.arange(len(scores))
    ranked = scores[query, order]
    positive = np.ascontiguousarray(labels[query, order].transpose(0, 2, 1))  # (L, K, Q)
    # Padding is one long step in which recall does not rise and precision falls.
    last = np.ones(ranked.shape, dtype=bool)  # clip of a step
    last[:-1] = ranked[:-1] != ranked[1:]
    divisor = np.where(last, np.arange(1, len(ranked) + 1)[:, None], np.inf)  # precision 0 inside of a step
    positives = positive.sum(axis=0, dtype=np.float64)
    best, total, precision = np.zeros_like(positives), np.zeros_like(positives), np.empty_like(positives)
    raised = np.empty_like(positive)
    counted = np.zeros(positives.shape, dtype=bool)  # whether the present step raises recall by a clip passed already
    for rank in reversed(range(len(ranked))):
        np.divide(positives, divisor[rank], out=precision)
        np.maximum(best, precision, out=best)  # the best precision at this or a larger recall
        counted &= ~last[rank]
        np.greater(positive[rank], counted, out=raised[rank])
        counted |= raised[rank]
        total += best * raised[rank]
        positives -= positive[rank]
    return np.asarray((total / np.maximum(raised.sum(axis=0), 1)).T, dtype=np.float64)


def hit_at_one(top_clip: Any, labels: Bools) -> Bools:
    """Check per query whether the clip of highest score is positive (Q, L, A) for at least one annotator: (Q,).

    An index ``top_clip`` (Q,) past the annotated clips is a miss.
    """
    inside = top_clip < labels.shape[1]
    rows = np.arange(len(labels))
    return np.asarray(inside & labels[rows, np.where(inside, top_clip, 0)].any(axis=-1))


def check_scale(rows: Sequence[dict[str, Any]], protocol: Protocol, source: str) -> None:
    """Check that ratings are on the scale of their protocol; those on another one would be scored all the same.

    Args:
        rows: Well-formed rows of an annotation file.
        protocol: A protocol that scores highlights; any other asks for no ratings.
        source: Name of the file, for messages.

    Raises:
        InputError: If a rating is outside the scale.
    """
    key = protocol.rating_key
    if key is None or protocol.rating_scale is None:
        return
    low, high = protocol.rating_scale
    for entry, row in enumerate(rows, 1):
        for clip, ratings in enumerate(row.get(key) or ()):
            if min(ratings) < low or max(ratings) > high:
                raise InputError(
                    f'{source} entry {entry} (qid {row["qid"]!r}): {key}[{clip}] is {ratings}, expected ratings from '
                    f'{low:g} to {high:g}: bring them to this scale, or use the protocol of their data set'
                )


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
        cls,
        predictions: Rows,
        annotations: Sequence[dict[str, Any]],
        clip_len: float,
        rated: Rows | None = None,
    ) -> HighlightBatch:
        """Place the ratings along the video and pad them.

        Args:
            predictions: Predicted clip scores per query.
            annotations: Rows with ``duration``, ``relevant_clip_ids`` and ``saliency_scores``.
            clip_len: Seconds per clip.
            rated: The ``saliency_scores`` of the annotations, where they have been converted before.
        """
        num_clips = np.array([int(row['duration'] / clip_len) for row in annotations], dtype=np.int64)
        if rated is None:
            rated = [row['saliency_scores'] for row in annotations]
        annotators = max((len(table[0]) for row in annotations if (table := row['saliency_scores'])), default=1)
        rated = as_ragged(rated, annotators)
        ratings = np.zeros((len(annotations), int(num_clips.max(initial=1)), annotators))
        clips = list(chain.from_iterable(row['relevant_clip_ids'] for row in annotations))
        if clips:
            ratings[np.repeat(np.arange(len(annotations)), rated.lengths), clips] = rated.entries

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
        """AP (Q, K, A) at each of K smallest ratings of a positive clip."""
        num_queries, length, annotators = self.ratings.shape
        labels = np.stack([self.ratings >= least for least in minimum], axis=2)
        flat = highlight_average_precision(self.scores, labels.reshape(num_queries, length, -1))
        return flat.reshape(num_queries, len(minimum), annotators)

    def hit_at_one(self, minimum: int) -> Bools:
        """HIT@1 of every query (Q,) with ``minimum`` the smallest rating of a positive clip."""
        return hit_at_one(self.top_clip, self.ratings >= minimum)
