"""A token that is put together for every video-sentence pair (CG-DETR's saliency token)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean
from mmvmr.registry import MODELS
from mmvmr.structures import AdaptiveAttention, Features, Memory, MomentTargets, Tokens
from mmvmr.utils import check_choice


@MODELS.register_module()
class PromptTokenEncoder(nn.Module):
    """Fuse text into the video, then encode ``[token ; video]`` with a token made of prompts (CG-DETR, section 3.3).

    ::

        clips, dummies + text tokens -- fusion --> fused clips, attention A
        softmax(cos(clip - mean clip, prompts)), averaged with the weight that A gives to the text tokens
            -- best prompts, weighted, + mean clip --> token -- fusion --> token
        [token ; fused clips] -- layers --> token, clips + token

    Args:
        embed_dims: Channels D.
        num_dummies: Dummies in front of the text tokens (:class:`DummyTokenEncoder`).
        fusion: Config of a fusion that returns attention weights, e.g. :class:`AdaptiveCrossFusion`.
        layers: Config of the stack, e.g. :class:`TransformerEncoder`.
        num_prompts: Prompts in the pool.
        num_selected: Prompts that make a token.
        token_reads: What the token attends to in the fusion: ``text`` as the clips do, or ``nothing``. The official
            code slices an empty sequence by accident, so that its token only passes norms and feed-forward blocks.

    Raises:
        ValueError: If an option is out of range.
    """

    def __init__(
        self,
        embed_dims: int,
        num_dummies: int,
        fusion: dict[str, Any],
        layers: dict[str, Any],
        num_prompts: int = 10,
        num_selected: int = 1,
        token_reads: str = 'text',
    ):
        super().__init__()
        self.token_reads = check_choice(self, 'token_reads', token_reads, ('text', 'nothing'))
        if not 1 <= num_selected <= num_prompts:
            raise ValueError(f'PromptTokenEncoder: num_selected={num_selected}, expected 1 to {num_prompts}')
        self.fusion = MODELS.build(fusion)
        self.layers = MODELS.build(layers)
        self.prompts = nn.Parameter(torch.randn(num_prompts, embed_dims))
        self.pos = nn.Parameter(torch.randn(1, embed_dims))
        self.num_dummies = num_dummies
        self.num_selected = num_selected

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the video, each clip with the token added, with :class:`AdaptiveAttention`.

        Dummies are in front of the text tokens of the features, and no longer in those of the memory.

        Raises:
            ValueError: If the fusion returns no attention weights.
        """
        fused = self.fusion(features)
        if fused.attention is None:
            raise ValueError(
                'PromptTokenEncoder needs a fusion that returns attention weights: use AdaptiveCrossFusion'
            )
        tokens = _slice(features.text, slice(self.num_dummies, None))
        on_text = fused.attention[..., self.num_dummies :].sum(-1).clamp(0, 1)
        token = self._fuse_token(features, self._token(features.video, on_text.detach()))
        sequence = token.join(fused.video)
        out = self.layers(sequence.feat, sequence.mask, sequence.position())
        video = features.video.replace(out[:, 1:] + out[:, :1])
        adaptive = AdaptiveAttention(
            token=token.feat,
            weights=fused.attention,
            on_text=on_text,
            dummies=features.text.feat[:, : self.num_dummies],
            prompts=self.prompts.expand(len(out), -1, -1),
        )
        return Memory(
            video=video,
            context=video,
            text=tokens,
            global_token=out[:, 0],
            fused=fused.video.feat,
            extras=(adaptive,),
        )

    def _token(self, video: Tokens, importance: Tensor) -> Tokens:
        """The mean clip and the prompts nearest to where the important clips differ from it, as a sequence of one."""
        context = masked_mean(video.feat, video.mask).detach().unsqueeze(1)
        affinity = F.normalize(video.feat - context, dim=-1) @ F.normalize(self.prompts, dim=-1).t()
        importance = (importance * video.mask).unsqueeze(-1)
        affinity = (affinity.softmax(-1) * importance).sum(1) / importance.sum(1).clamp(min=1e-6)  # (B, P)
        value, index = affinity.topk(self.num_selected, dim=1)
        feat = (value.unsqueeze(-1) * self.prompts[index]).sum(1, keepdim=True) + context
        batch = len(feat)
        return Tokens(feat, video.mask.new_ones(batch, 1), self.pos.expand(batch, 1, -1), lead=1)

    def _fuse_token(self, features: Features, token: Tokens) -> Tokens:
        text = features.text if self.token_reads == 'text' else _slice(features.text, slice(0, 0))
        return self.fusion(dataclasses.replace(features, video=token, text=text)).video


def _slice(tokens: Tokens, part: slice) -> Tokens:
    pos = None if tokens.pos is None else tokens.pos[:, part]
    return Tokens(tokens.feat[:, part], tokens.mask[:, part], pos)
