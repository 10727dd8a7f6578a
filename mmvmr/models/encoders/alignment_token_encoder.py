"""Clip-token correlation learner of CG-DETR, for training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.encoders.global_token_encoder import GlobalToken
from mmvmr.registry import MODELS
from mmvmr.structures import AlignmentTokens, Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class AlignmentTokenEncoder(nn.Module):
    """Run an encoder and, while training, summarise moments and sentences in tokens (CG-DETR, section 3.2).

    Losses align the tokens, and the clips that went with them teach the cross-attention how strongly a clip
    should attend to each text token. At inference the wrapped encoder runs by itself.

    Args:
        embed_dims: Channels D.
        num_dummies: Dummies in front of the text tokens (:class:`DummyTokenEncoder`).
        moment_layers: Config of the stack over a token and clips, e.g. :class:`TransformerEncoder`.
        sentence_layers: Config of the stack over a token and text tokens.
        encoder: Config of the wrapped encoder.
    """

    def __init__(
        self,
        embed_dims: int,
        num_dummies: int,
        moment_layers: dict[str, Any],
        sentence_layers: dict[str, Any],
        encoder: dict[str, Any],
    ):
        super().__init__()
        self.num_dummies = num_dummies
        self.moment = GlobalToken(embed_dims)
        self.sentence = GlobalToken(embed_dims)
        self.moment_layers = MODELS.build(moment_layers)
        self.sentence_layers = MODELS.build(sentence_layers)
        self.encoder = MODELS.build(encoder)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder, while training with :class:`AlignmentTokens`."""
        memory = self.encoder(features, targets)
        if targets is None:
            return memory
        video, count = features.video, self.num_dummies
        moment, moment_clips = self._pool(self.moment, self.moment_layers, video, video.mask & targets.clips)
        non_moment, non_moment_clips = self._pool(self.moment, self.moment_layers, video, video.mask & ~targets.clips)
        feat, mask, pos = features.text.feat, features.text.mask, features.text.position()
        dummies, tokens = (Tokens(feat[:, i], mask[:, i], pos[:, i]) for i in (slice(count), slice(count, None)))
        dummy_sentence, dummies_out = self._pool(self.sentence, self.sentence_layers, dummies, dummies.mask)
        sentence, tokens_out = self._pool(self.sentence, self.sentence_layers, tokens, tokens.mask)
        memory.add(
            AlignmentTokens(
                moment=moment,
                non_moment=non_moment,
                moment_clips=moment_clips,
                non_moment_clips=non_moment_clips,
                inside=targets.clips,
                sentence=sentence,
                dummy_sentence=dummy_sentence,
                text=torch.cat((dummies_out, tokens_out), dim=1),
                text_mask=mask,
            )
        )
        return memory

    @staticmethod
    def _pool(token: GlobalToken, layers: nn.Module, tokens: Tokens, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ``[token ; sequence]``, of which only the token and ``keys`` (B, L) are attended to."""
        sequence = token.prepend(Tokens(tokens.feat, keys, tokens.pos))
        return token.split(layers(sequence.feat, sequence.mask, sequence.position()))
