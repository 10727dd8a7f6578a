"""Events of a video without annotation (EaTR)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.registry import TASK_UTILS
from mmvmr.utils import check_choice

_SCOPES = ('sample', 'batch')


@TASK_UTILS.register_module()
class PseudoEvents:
    """Events between the clips where a video changes most (EaTR, section 3.2).

    The change at a clip is the correlation of the self-similarity of the video with a 5 x 5 checkerboard kernel; the
    kernel being an outer product, that is ``|n[t-2] + n[t-1] - n[t+1] - n[t+2]|^2`` of the unit features n. A clip is
    a boundary if no neighbour changes more and its change is at least the mean; the first and the last clip always
    are. Events are between consecutive boundaries.

    Args:
        scope: ``sample`` considers only the clips of each video. ``batch`` reproduces the official code: the mean and
            the neighbours include padding, and one list holds the boundaries of the whole batch, so that with an odd
            number of samples the middle one gets an event of negative width from the last boundary of the last one.

    Raises:
        ValueError: If ``scope`` is unknown.
    """

    def __init__(self, scope: str = 'sample'):
        self.scope = check_choice(self, 'scope', scope, _SCOPES)

    @torch.no_grad()
    def __call__(self, video: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Find the events of a batch.

        Args:
            video: Clips as the data set yields them (B, L, Dv).
            mask: Valid clips (B, L), contiguous from the first.

        Returns:
            Normalised (center, width) (B, G, 2), padded with (0.5, 1), and which exist (B, G); an event from boundary
            a to b of n clips is ((a + b) / 2 n, (b - a) / n).
        """
        row, clip = self.boundaries(video.float(), mask).nonzero(as_tuple=True)
        row_before, clip_before = row.roll(1), clip.roll(1)
        if self.scope == 'batch':
            owner = torch.div(row + row_before, 2, rounding_mode='floor')
            is_end = (row + row_before) % 2 == 0
        else:
            owner, is_end = row, (row == row_before) & (clip > clip_before)
        owner, start, end = owner[is_end], clip_before[is_end], clip[is_end]
        count = mask.sum(1)[owner].to(torch.float32)
        events = torch.stack(((start + end) / 2 / count, (end - start) / count), dim=-1)
        return _pad_rows(events, owner, len(mask))

    def boundaries(self, video: Tensor, mask: Tensor) -> Tensor:
        """Clips at which an event begins or ends (B, L); arguments as in the call."""
        if self.scope == 'sample':
            video = video.where(mask.unsqueeze(-1), 0.0)
        score = change(video)
        if self.scope == 'sample':
            mean = (score * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        else:
            mean = score.mean(1, keepdim=True)
        rows, last = torch.arange(len(mask), device=mask.device), (mask.sum(1) - 1).clamp(min=0)
        score[:, 0] = score[rows, last] = 100.0  # above any change, which is at most 16
        is_peak = (score >= score.roll(1, 1)) & (score >= score.roll(-1, 1)) & (score >= mean)
        return is_peak & mask if self.scope == 'sample' else is_peak


def change(video: Tensor) -> Tensor:
    """Change (B, L) in [0, 16] of a video (B, L, Dv) at every clip, see :class:`PseudoEvents`.

    Clips before the first and after the last count as zero.
    """
    unit = video / (video.norm(dim=2, keepdim=True) + 1e-8)
    around = F.pad(unit, (0, 0, 2, 2)).unfold(1, 5, 1)  # (B, L, Dv, 5)
    return (around @ unit.new_tensor([1.0, 1.0, 0.0, -1.0, -1.0])).square().sum(-1)


def _pad_rows(events: Tensor, owner: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """Events (M, 2) of samples (M,) as (B, G, 2) and their mask (B, G), G >= 1, in the order given."""
    counts = owner.bincount(minlength=batch)
    order = owner.argsort(stable=True)
    owner = owner[order]
    column = torch.arange(len(owner), device=owner.device) - (counts.cumsum(0) - counts)[owner]
    most = max(int(counts.max()), 1)
    padded = events.new_tensor([0.5, 1.0]).repeat(batch, most, 1)
    padded[owner, column] = events[order]
    return padded, torch.arange(most, device=owner.device) < counts[:, None]
