"""The multi modal align encoder of SA-DETR."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.models.encoders.global_token_encoder import GlobalToken
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets
from mmvmr.utils import check_choice


@MODELS.register_module()
class MultiModalAlignEncoder(nn.Module):
    """Fuse ``[token ; clips]`` with the text; a global view serves highlights, a local one moments (SA-DETR).

    ::

        token + clips, text tokens -- fusion --> fused clips, fused text tokens -- pool --> sentence M_t
        fused -- global block --> M^_v (video, global token: highlights)
        M^_v  -- local block  --> M_v, M_g (context, fusion token: moments)

    Args:
        embed_dims: Channels D.
        fusion: Config of the fusion, e.g. :class:`SharedCrossFusion`.
        global_block: Config of the stack that highlights are read from, e.g. :class:`TransformerEncoder`.
        local_block: Config of a block ``f(x, mask)``, e.g. :class:`LocalConvBlock`; None passes its input on unchanged.
        pool: Config of the pooling ``f(x, mask)`` of fused text tokens, e.g. :class:`AttentionPool`; None where nothing
            uses the sentence token.
        local_input: Input of the local block: the output of the ``global`` block, or the ``fused`` sequence, so that
            the blocks stand side by side (the paper can be read either way).

    Raises:
        ValueError: If ``local_input`` is unknown.
    """

    def __init__(
        self,
        embed_dims: int,
        fusion: dict[str, Any],
        global_block: dict[str, Any],
        local_block: dict[str, Any] | None = None,
        pool: dict[str, Any] | None = None,
        local_input: str = 'global',
    ):
        super().__init__()
        self.local_input = check_choice(self, 'local_input', local_input, ('global', 'fused'))
        self.token = GlobalToken(embed_dims)
        self.fusion = MODELS.build(fusion)
        self.pool = None if pool is None else MODELS.build(pool)
        self.global_block = MODELS.build(global_block)
        self.local_block = None if local_block is None else MODELS.build(local_block)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory with the global view as ``video`` and ``global_token``.

        The local view is ``context`` and ``fusion_token``; ``text`` and ``sentence`` are the fused text tokens,
        ``fused`` the fused clips.
        """
        sequence = self.token.prepend(features.video)
        fused = self.fusion(dataclasses.replace(features, video=sequence))
        overall = self.global_block(fused.video.feat, sequence.mask, sequence.position())
        local = overall if self.local_input == 'global' else fused.video.feat
        if self.local_block is not None:
            local = self.local_block(local, sequence.mask)
        global_token, video = self.token.split(overall)
        fusion_token, context = self.token.split(local)
        return Memory(
            video=features.video.replace(video),
            context=features.video.replace(context),
            text=fused.text,
            global_token=global_token,
            fusion_token=fusion_token,
            sentence=None if self.pool is None else self.pool(fused.text.feat, fused.text.mask),
            fused=self.token.split(fused.video.feat)[1],
        )
