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
        pool: Config of a pooling ``f(x, mask)`` of the encoded sentence, for losses that compare clips with sentences;
            it comes with a linear map to the width of clips where text tokens have another. None for none.
        embed_dims: Channels D of clips; needed with ``pool``.
        text_embed_dims: Channels D' of text tokens, where they differ from D.
    """

    late = True

    def __init__(
        self,
        video: dict[str, Any],
        text: dict[str, Any],
        fusion: dict[str, Any],
        pool: dict[str, Any] | None = None,
        embed_dims: int | None = None,
        text_embed_dims: int | None = None,
    ):
        super().__init__()
        self.video = MODELS.build(video)
        self.text = MODELS.build(text)
        self.fusion = MODELS.build(fusion)
        self.pool, self.sentence = None, None
        if pool is not None:
            width = text_embed_dims or embed_dims
            self.pool = MODELS.build({**pool, 'embed_dims': width})
            self.sentence = nn.Identity() if width == embed_dims else nn.Linear(width, embed_dims)

    def forward(
        self, features: Features, targets: MomentTargets | None = None, levels: list[Tokens] | None = None
    ) -> Memory:
        """Encode a batch.

        Args:
            features: Projected inputs, V videos and B sentences.
            targets: Unused.
            levels: What ``video`` made of the videos before; ``features`` need not hold any then.

        Returns:
            Memory with the fused ``levels`` (B, L_l, D); ``video`` is the finest. With ``pool`` also ``sentence``
            (B, D), and ``fused``: the finest level without what its padding adds to the clips of the batch (B, Lv, D).
        """
        text = self.text(features.text)
        levels = self.fuse(self.video(features.video) if levels is None else levels, text, features.rows)
        sentence, clips = None, None
        if self.pool is not None and self.sentence is not None:
            sentence = self.sentence(self.pool(text.feat, text.mask))
            clips = None if features.video is None else levels[0].feat[:, : features.video.feat.shape[1]]
        return Memory(video=levels[0], context=levels[0], text=text, levels=levels, sentence=sentence, fused=clips)

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
