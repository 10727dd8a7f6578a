"""The windows of a video whose clips fit a sentence better than the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.structures import pairwise_iou, to_center_width


def contrast_windows(
    similarity: Tensor,
    mask: Tensor,
    longest: int,
    count: int,
    max_iou: float = 0.5,
    boundaries: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The best windows by (mean of the window - mean of the video) x sqrt(length), in units of clips.

    Under noise of equal size this is how surely a window stands out, whatever its length.

    Args:
        similarity: Similarity of clips and sentence (B, L).
        mask: Clips that exist (B, L), contiguous from the first.
        longest: Longest window in clips.
        count: Number of windows N.
        max_iou: A window that overlaps a better one by more than this IoU is left out.
        boundaries: What a window gains by starting or ending before clip i (B, L + 1); None for nothing.

    Returns:
        Normalised (center, width) (B, N, 2) and scores (B, N), best first. Where a video has fewer windows, the score
        is ``-inf`` and the span is that of its best window.
    """
    batch, length = similarity.shape
    longest = min(longest, length)
    valid = mask.to(similarity.dtype)
    clips = valid.sum(1, keepdim=True)
    centred = (similarity - (similarity * valid).sum(1, keepdim=True) / clips.clamp(min=1)) * valid
    total = torch.nn.functional.pad(centred.cumsum(1), (1, 0))
    start = torch.arange(length, device=mask.device)[:, None].expand(-1, longest)
    size = torch.arange(1, longest + 1, device=mask.device).expand(length, -1)
    start, stop = start.flatten(), (start + size).flatten()
    score = (total[:, stop.clamp(max=length)] - total[:, start]) / (stop - start).to(total.dtype).sqrt()
    if boundaries is not None:
        score = score + boundaries[:, start] + boundaries[:, stop.clamp(max=length)]
    score = score.masked_fill(stop > clips, -torch.inf)
    windows = torch.stack((start, stop), dim=-1).to(total.dtype)
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
    unit = torch.nn.functional.normalize(clips.float(), dim=-1)
    change = 1 - (unit[:, 1:] * unit[:, :-1]).sum(-1)
    inside = mask[:, 1:].float()
    number = inside.sum(1, keepdim=True).clamp(min=1)
    change = (change - (change * inside).sum(1, keepdim=True) / number) * inside
    deviation = (change.square().sum(1, keepdim=True) / number).sqrt()
    places = torch.nn.functional.pad((change / deviation.clamp(min=1e-6)).clamp(low, high) * inside, (1, 1))
    places[:, 0] = ends
    return places.scatter(1, mask.sum(1, keepdim=True), ends)
