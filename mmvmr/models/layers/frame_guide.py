"""Attention of text to frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.utils import check_choice

_SPACES = ('shared', 'learned')


class FrameGuide(nn.Module):
    """Cosine between sentence vectors and frame or patch vectors, without gradient to either.

    Args:
        word_dims: Channels of text tokens.
        frame_dims: Channels of frames.
        space: ``shared``: both are in one space already, as those of CLIP do; ``learned``: two linear maps bring
            features that were trained apart together, and learn with what the cosine is used for.
        joint_dims: Channels of a learned space.

    Raises:
        ValueError: If ``space`` is unknown, or ``shared`` by vectors of different length.
    """

    def __init__(self, word_dims: int, frame_dims: int, space: str = 'shared', joint_dims: int = 256):
        super().__init__()
        check_choice(self, 'space', space, _SPACES)
        if space == 'shared' and word_dims != frame_dims:
            raise ValueError(
                f"space='shared': text tokens have {word_dims} channels and frames {frame_dims}, so they are not "
                "in one space; set space='learned' for features that were trained apart"
            )
        shared = space == 'shared'
        self.words = nn.Identity() if shared else nn.Linear(word_dims, joint_dims)
        self.frames = nn.Identity() if shared else nn.Linear(frame_dims, joint_dims)

    def forward(self, tokens: Tensor, frames: Tensor) -> Tensor:
        """Compare.

        Args:
            tokens: (D,), one sentence.
            frames: (..., Df).

        Returns:
            Cosines (...).
        """
        guide = F.normalize(self.words(tokens.detach()), dim=-1)
        return F.normalize(self.frames(frames.detach()), dim=-1) @ guide


def frames_inside(spans: Tensor, exists: Tensor, valid: Tensor) -> Tensor:
    """Mark the evenly spread frames inside a moment.

    Args:
        spans: (center, width) (B, G, 2).
        exists: Which of them exist (B, G).
        valid: Valid frames (B, T), contiguous from the first.

    Returns:
        (B, T). The frame nearest to the center of a moment counts even where it ends before the middle of it; all
        valid ones do for a sample without a moment.
    """
    count = valid.sum(1, keepdim=True).clamp(min=1)
    place = ((torch.arange(valid.shape[1], device=valid.device) + 0.5) / count).unsqueeze(1)
    center, width = spans.unbind(-1)
    distance = (place - center.unsqueeze(-1)).abs().masked_fill(~valid.unsqueeze(1), torch.inf)
    nearest = F.one_hot(distance.argmin(-1), valid.shape[1]).bool()
    inside = ((distance <= 0.5 * width.unsqueeze(-1)) | nearest) & exists.unsqueeze(-1)
    return torch.where(exists.any(1, keepdim=True), inside.any(1), valid)
