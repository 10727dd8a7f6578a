"""Several enhance blocks in one decoder layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmvmr.models.builder import build_named
from mmvmr.registry import MODELS
from mmvmr.structures import Memory


@MODELS.register_module()
class SequentialEnhance(nn.Module):
    """Enhance blocks one after the other.

    Args:
        stages: Name to config, in order; a child config changes one by its name or removes it with None.
    """

    def __init__(self, stages: dict[str, dict[str, Any] | None]):
        super().__init__()
        self.stages = nn.ModuleDict(build_named(stages))

    def forward(
        self, content: Tensor, memory: Memory, anchors: Tensor | None, attn_mask: Tensor | None = None
    ) -> Tensor:
        """Enhance the content of the queries (B, N, D); arguments as in :class:`SpanEnhance`."""
        for stage in self.stages.values():
            content = stage(content, memory, anchors, attn_mask)
        return content
