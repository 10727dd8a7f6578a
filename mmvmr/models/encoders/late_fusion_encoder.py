"""Encode a video once, whatever is asked about it (SnAG, section 3.2)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class LateFusionEncoder(nn.Module):
    """Videos and sentences apart, then every sentence with every level of its video.

    The cost of a further sentence is that of the fusion and the heads. A fusion whose attribute ``late`` is true takes
    V videos for B sentences and repeats what it must; for any other fusion the levels are repeated before.

    Args:
        video: Config of what makes levels of a video, e.g. :class:`PyramidEncoder`.
        text: Config of what encodes sentences, e.g. :class:`TextTransformer`.
        fusion: Config of a fusion, one for all levels.
    """

    late = True

    def __init__(self, video: dict[str, Any], text: dict[str, Any], fusion: dict[str, Any]):
        super().__init__()
        self.video = MODELS.build(video)
        self.text = MODELS.build(text)
        self.fusion = MODELS.build(fusion)

    def forward(
        self, features: Features, targets: MomentTargets | None = None, levels: list[Tokens] | None = None
    ) -> Memory:
        """Encode a batch.

        Args:
            features: Projected inputs, V videos and B sentences.
            targets: Unused.
            levels: What ``video`` made of the videos before; ``features`` need not hold any then.

        Returns:
            Memory with the fused ``levels`` (B, L_l, D); ``video`` is the finest.
        """
        text = self.text(features.text)
        levels = self.fuse(self.video(features.video) if levels is None else levels, text, features.rows)
        return Memory(video=levels[0], context=levels[0], text=text, levels=levels)

    def fuse(self, levels: list[Tokens], text: Tokens, rows: Tensor | None) -> list[Tokens]:
        """Fuse sentences with levels that were encoded before.

        Args:
            levels: Levels of V videos.
            text: Encoded sentences (B, Lt, D').
            rows: Video of every sentence (B,); None where V = B in order.

        Returns:
            Levels with B rows.
        """
        late = getattr(self.fusion, 'late', False)
        fused = []
        for level in levels:
            features = Features(level, text, rows=rows)
            fused.append(self.fusion(features if late else features.paired()).video)
        return fused
