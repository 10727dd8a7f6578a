"""Search for the windows of a video whose clips fit a sentence better than the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.structures import pairwise_iou, to_center_width

#: Window sizes whose best windows are merged at once.
_MERGED = 16


def contrast_sums(similarity: Tensor, mask: Tensor) -> Tensor:
    """Sums of (similarity - mean of the video) over the clips before every place.

    Args:
        similarity: Similarity of clips and sentence (B, L).
        mask: Clips that exist (B, L), contiguous from the first.

    Returns:
        (B, L + 1).
    """
    valid = mask.to(similarity.dtype)
    clips = valid.sum(1, keepdim=True).clamp(min=1)
    centred = (similarity - (similarity * valid).sum(1, keepdim=True) / clips) * valid
    return F.pad(centred.cumsum(1), (1, 0))


def window_scores(sums: Tensor, lengths: Tensor, size: int, boundaries: Tensor | None = None) -> Tensor:
    """Score all windows of a size: (mean of the window - mean of the video) x sqrt(size).

    Under noise of equal size this is how surely a window stands out, whatever its length.

    Args:
        sums: See :func:`contrast_sums` (B, L + 1).
        lengths: Clips of the videos (B,).
        size: Clips of the windows.
        boundaries: Gain of a window that starts or ends before clip i (B, L + 1); None for nothing.

    Returns:
        (B, L + 1 - size), ``-inf`` for windows that reach past the end of their video.
    """
    # By a vector: by one number, torch multiplies by the inverse, which differs in the last bit.
    scores = (sums[:, size:] - sums[:, :-size]) / sums.new_full((sums.shape[1] - size,), size).sqrt()
    if boundaries is not None:
        scores = scores + boundaries[:, :-size] + boundaries[:, size:]
    stop = torch.arange(size, sums.shape[1], device=sums.device)
    return scores.masked_fill(stop > lengths[:, None], -torch.inf)


def best_windows(
    similarity: Tensor, mask: Tensor, shortest: int, longest: int, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the windows with the highest :func:`window_scores`, which may overlap, in memory of clips + ``count``.

    Args:
        similarity: Similarity of clips and sentence (B, L).
        mask: Clips that exist (B, L), contiguous from the first.
        shortest: Shortest window in clips; shorter where a video has fewer.
        longest: Longest window in clips.
        count: Number of windows n.

    Returns:
        First clips, last clips + 1 and scores (B, n), best first; ``-inf`` where a video has fewer windows.
    """
    lengths, sums = mask.sum(1), contrast_sums(similarity, mask)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for size in range(min(shortest, int(lengths.min())), min(longest, mask.shape[1]) + 1):
        values = window_scores(sums, lengths, size)
        values, index = values.topk(min(count, values.shape[1]), dim=1)
        parts.append((index, index + size, values))
        if len(parts) == _MERGED:
            parts = [_best(parts, count)]
    return _best(parts, count)


def _best(parts: list[tuple[Tensor, Tensor, Tensor]], count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The windows with the highest scores of several sets of them (B, n)."""
    starts, ends, scores = (torch.cat(values, dim=1) for values in zip(*parts))
    scores, order = scores.topk(min(count, scores.shape[1]), dim=1)
    return starts.gather(1, order), ends.gather(1, order), scores


def contrast_windows(
    similarity: Tensor,
    mask: Tensor,
    longest: int,
    count: int,
    max_iou: float = 0.5,
    boundaries: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Find the windows with the highest :func:`window_scores`, leaving out what overlaps a better one.

    Args:
        similarity: Similarity of clips and sentence (B, L).
        mask: Clips that exist (B, L), contiguous from the first.
        longest: Longest window in clips.
        count: Number of windows N.
        max_iou: A window that overlaps a better one by more than this IoU is left out.
        boundaries: See :func:`window_scores`.

    Returns:
        Normalised (center, width) (B, N, 2) and scores (B, N), best first. Where a video has fewer windows, the score
        is ``-inf`` and the span is that of its best window.
    """
    lengths, sums = mask.sum(1), contrast_sums(similarity, mask)
    sizes = range(1, min(longest, similarity.shape[1]) + 1)
    scores = [window_scores(sums, lengths, size, boundaries) for size in sizes]
    return choose_windows(window_table(scores), mask, count, max_iou)


def window_sums(x: Tensor, longest: int) -> Iterator[tuple[int, Tensor]]:
    """Sums over all windows, one size after the other, so that memory grows with the length and not with its square.

    Args:
        x: (B, L, D).
        longest: Largest size.

    Yields:
        The size n and the sums (B, L - n + 1, D) of clips i to i + n - 1.
    """
    total = F.pad(x.cumsum(1), (0, 0, 1, 0))
    for size in range(1, min(longest, x.shape[1]) + 1):
        yield size, total[:, size:] - total[:, :-size]


def window_table(rows: Sequence[Tensor]) -> Tensor:
    """One value per window, (B, L - n + 1) for every size n, as a table (B, L, N); 0 where there is no window."""
    length = rows[0].shape[1]
    return torch.stack([F.pad(row, (0, length - row.shape[1])) for row in rows], dim=-1)


def choose_windows(score: Tensor, mask: Tensor, count: int, max_iou: float = 0.5) -> tuple[Tensor, Tensor]:
    """The windows of highest score, leaving out what overlaps a better one.

    Args:
        score: Score of clips i to i + n (B, L, N).
        mask: Clips that exist (B, L), contiguous from the first.
        count: Number of windows.
        max_iou: A window that overlaps a better one by more than this IoU is left out.

    Returns:
        Normalised (center, width) (B, count, 2) and scores (B, count), best first. Where a video has fewer windows, the
        score is ``-inf`` and the span is that of its best window.
    """
    batch, length, longest = score.shape
    clips = mask.sum(1, keepdim=True)
    # Windows in the order of their first clip, and among those of their size: it decides between equal scores.
    start = torch.arange(length, device=mask.device).repeat_interleave(longest)
    stop = start + torch.arange(1, longest + 1, device=mask.device).repeat(length)
    score = score.flatten(1).masked_fill(stop > clips, -torch.inf)
    windows = torch.stack((start, stop), dim=-1).to(score.dtype)
    chosen, scores = [], []
    for _ in range(count):
        best, index = score.max(1)
        # Of a video without any window left, the first choice again.
        index = torch.where(best > -torch.inf, index, chosen[0]) if chosen else index
        chosen.append(index)
        scores.append(best)
        overlap = pairwise_iou(windows[index].unsqueeze(1), windows.expand(batch, -1, -1)).squeeze(1)
        score = score.masked_fill(overlap > max_iou, -torch.inf)
    spans = to_center_width(windows[torch.stack(chosen, dim=1)] / clips.unsqueeze(-1))
    return spans, torch.stack(scores, dim=1)


def scene_changes(clips: Tensor, mask: Tensor, low: float = -1.0, high: float = 3.0, ends: float = 2.0) -> Tensor:
    """Change of a video between two clips relative to its changes elsewhere.

    Args:
        clips: Features (B, L, D).
        mask: Clips that exist (B, L), contiguous from the first.
        low: Smallest value.
        high: Largest value.
        ends: Value of both ends of the video.

    Returns:
        (B, L + 1): for the place before clip i, 1 - cosine of clips i - 1 and i, less its mean over the video and
        divided by its deviation; 0 beyond the end.
    """
    unit = F.normalize(clips.float(), dim=-1)
    change = 1 - (unit[:, 1:] * unit[:, :-1]).sum(-1)
    inside = mask[:, 1:].float()
    number = inside.sum(1, keepdim=True).clamp(min=1)
    change = (change - (change * inside).sum(1, keepdim=True) / number) * inside
    deviation = (change.square().sum(1, keepdim=True) / number).sqrt()
    places = F.pad((change / deviation.clamp(min=1e-6)).clamp(low, high) * inside, (1, 1))
    places[:, 0] = ends
    return places.scatter(1, mask.sum(1, keepdim=True), ends)
