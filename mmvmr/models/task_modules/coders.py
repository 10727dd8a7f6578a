"""Span coders: how a predicted offset moves an anchor."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.models.layers import inverse_sigmoid
from mmvmr.registry import TASK_UTILS


@TASK_UTILS.register_module()
class LogitSpanCoder:
    """``sigmoid(offset + logit(anchor))``: the result is always in (0, 1) (DAB-DETR).

    Args:
        eps: Anchors are read no closer than this to 0 and 1.
    """

    def __init__(self, eps: float = 1e-3):
        self.eps = eps

    def decode(self, offset: Tensor, anchor: Tensor) -> Tensor:
        """Move anchors, normalised (center, width) (..., 2), by offsets (..., 2)."""
        return (offset.float() + inverse_sigmoid(anchor.float(), self.eps)).sigmoid()


@TASK_UTILS.register_module()
class AdditiveSpanCoder:
    """``anchor + offset``, clamped to valid spans (SA-DETR as printed).

    Args:
        min_width: Smallest normalised width.
    """

    def __init__(self, min_width: float = 1e-3):
        self.min_width = min_width

    def decode(self, offset: Tensor, anchor: Tensor) -> Tensor:
        """Move anchors; arguments as in :meth:`LogitSpanCoder.decode`."""
        center, width = (anchor.float() + offset.float()).unbind(-1)
        return torch.stack((center.clamp(0, 1), width.clamp(self.min_width, 1)), dim=-1)
