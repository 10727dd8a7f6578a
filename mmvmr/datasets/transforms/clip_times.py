"""A sample whose clips become longer or shorter."""

from __future__ import annotations

from typing import Any

from mmvmr.utils.clip_grid import move_ratings, same_clips


def with_clip_len(results: dict[str, Any], clip_len: float) -> dict[str, Any]:
    """Entries of a sample that change with the length of its clips.

    Args:
        results: The sample, whose clips last ``results['clip_len']`` seconds; what it rates are clips of this length.
        clip_len: The new length.

    Returns:
        ``clip_len`` and, where there are any, ``relevant_clip_ids`` and ``saliency_scores`` of the new clips, see
        :func:`mmvmr.utils.clip_grid.move_ratings`.
    """
    clips, ratings = results.get('relevant_clip_ids'), results.get('saliency_scores')
    changed: dict[str, Any] = {'clip_len': clip_len}
    if clips is None or same_clips(results['clip_len'], clip_len):
        return changed
    changed['relevant_clip_ids'], moved = move_ratings(clips, ratings, results['clip_len'], clip_len)
    if moved is not None:
        changed['saliency_scores'] = moved
    return changed
