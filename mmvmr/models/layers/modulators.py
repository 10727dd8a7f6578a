"""Modulators: change the logits of a cross-attention knowing the spans of the queries."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.utils import check_choice


@MODELS.register_module()
class GaussianModulator(nn.Module):
    """A Gaussian around the span of every query weights its attention logits (SA-DETR, eq. 5 and 6).

    ``mask_j = exp(-alpha (j / Lv - c)^2 / w^2)`` for the clips j = 1..Lv. Made for a context that consists of clips
    alone: wrap encoders that return a joint sequence in :class:`VideoContextEncoder`.

    Args:
        alpha: Sharpness, more than 0.
        mode: ``multiply`` multiplies the logits with the mask, as printed: far clips get logit 0, not a low one.
            ``log`` adds the logarithm of the mask, which multiplies the attention weights instead.
        min_width: Narrower spans count as this wide (normalised), which keeps the mask finite.

    Raises:
        ValueError: If ``mode`` is unknown, or ``alpha`` is not more than 0.
    """

    needs_anchors = True

    def __init__(self, alpha: float = 2.0, mode: str = 'multiply', min_width: float = 1e-3):
        super().__init__()
        if alpha <= 0:
            raise ValueError(f'GaussianModulator: alpha={alpha}, expected more than 0; 0 gives all clips one weight')
        self.alpha = alpha
        self.mode = check_choice(self, 'mode', mode, ('multiply', 'log'))
        self.min_width = min_width

    def forward(self, logits: Tensor, anchors: Tensor, mask: Tensor) -> Tensor:
        """Modulate.

        Args:
            logits: (B, H, N, L).
            anchors: Normalised (center, width) (B, N, 2).
            mask: Valid clips (B, L), contiguous from the first; their number is Lv.

        Returns:
            (B, H, N, L) in float32.
        """
        log_mask = self.log_mask(anchors, mask).unsqueeze(1)
        # Float32: the exponent of a narrow span leaves the range of half precision.
        return logits.float() + log_mask if self.mode == 'log' else logits.float() * log_mask.exp()

    def log_mask(self, anchors: Tensor, mask: Tensor) -> Tensor:
        """Logarithm of the mask (B, N, L); arguments as in :meth:`forward`."""
        center, width = anchors.float().unsqueeze(-1).unbind(-2)  # (B, N, 1) each
        index = torch.arange(1, mask.shape[1] + 1, device=mask.device)
        position = (index / mask.sum(1, keepdim=True).clamp(min=1)).unsqueeze(1)  # (B, 1, L)
        return -self.alpha * ((position - center) / width.clamp(min=self.min_width)).square()
