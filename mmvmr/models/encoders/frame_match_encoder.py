"""The background-aware encoder of BM-DETR: which clips match the sentence, and not another one."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import ClipScores, Features, FrameMatch, Memory, MomentTargets, Tokens, map_tensors
from mmvmr.utils import check_choice


@MODELS.register_module()
class FrameMatcher(nn.Module):
    """``sigmoid(tanh(x W_1) W_2)``: the probability that a clip matches the sentence it was encoded with (eq. 5).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.hidden = nn.Linear(embed_dims, embed_dims // 2, bias=False)
        self.out = nn.Linear(embed_dims // 2, 1, bias=False)

    def forward(self, feat: Tensor) -> Tensor:
        """Map clips (B, Lv, D) to probabilities (B, Lv)."""
        return self.out(self.hidden(feat).tanh()).squeeze(-1).float().sigmoid()


@MODELS.register_module()
class FrameMatchEncoder(nn.Module):
    """Weight the clips of any encoder by the probability that they match the sentence (BM-DETR, section 3.3.2).

    ::

        video, text          -- encoder --> clips v+ -- matcher --> p+
        video, negative text -- encoder --> clips v- -- matcher --> p-     (training, where there is a negative)
        p = p+ (1 - p-), or p+ for a sample without a negative;  o = softmax over the clips of p
        v' = o v+ is what the decoder and the heads receive; text tokens are unchanged

    A sample has no negative where its ``neg_text`` is absent. The wrapped encoder gets no targets in the second
    pass: whatever else it makes while training, it makes once. Its own negatives (:class:`NegativePairEncoder`) are
    weighted by the p+ of their sentence, as inference would weight them.

    Args:
        encoder: Config of the wrapped encoder, of any kind.
        matcher: Config of the matcher.
        attention: What the weights o of a video add up to: ``one``, as printed (eq. 7), which shrinks the clips to
            1 / Lv of their size, or ``clips``, their number, which keeps the size.
        padding: ``exclude`` takes the softmax over the clips that exist; ``include`` over the padded length, as the
            official code does.
        decoder_reads: ``attended`` clips, or ``plain`` ones as in the official code, whose decoder has run before.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        encoder: dict[str, Any],
        embed_dims: int,
        matcher: dict[str, Any] | None = None,
        attention: str = 'one',
        padding: str = 'exclude',
        decoder_reads: str = 'attended',
    ):
        super().__init__()
        for name, value, choices in (
            ('attention', attention, ('one', 'clips')),
            ('padding', padding, ('exclude', 'include')),
            ('decoder_reads', decoder_reads, ('attended', 'plain')),
        ):
            check_choice(self, name, value, choices)
        self.encoder = MODELS.build(encoder)
        self.matcher = MODELS.build({'type': 'FrameMatcher', 'embed_dims': embed_dims, **(matcher or {})})
        self.attention = attention
        self.padding = padding
        self.decoder_reads = decoder_reads

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with weighted clips and :class:`FrameMatch`.

        While training features have ``negative_text`` where there is one; inference is one pass whatever they hold.
        """
        memory = self.encoder(features, targets)
        prob = self.matcher(memory.video.feat)
        if targets is not None and features.negative_text is not None:
            prob = self._joint(prob, features)
        if memory.negative is not None:
            negative = memory.negative
            memory.negative = self._attended(negative, self.matcher(negative.video.feat))
        return self._attended(memory, prob)

    def _joint(self, prob: Tensor, features: Features) -> Tensor:
        """``p+ (1 - p-)`` where a sample has an unmatched sentence (eq. 6)."""
        exists = features.negative_text.mask.any(1)
        other = self.encoder(dataclasses.replace(features, text=_filled(features.negative_text, features.text, exists)))
        return torch.where(exists[:, None], prob * (1 - self.matcher(other.video.feat)), prob)

    def _attended(self, memory: Memory, prob: Tensor) -> Memory:
        mask = memory.video.mask
        weight = self._weights(prob, mask)
        video = memory.video.replace(memory.video.feat * weight[..., None].to(memory.video.feat.dtype))
        context = memory.context
        if self.decoder_reads == 'attended':
            length = weight.shape[1]
            clips, others = context.feat[:, :length], context.feat[:, length:]
            clips = clips * weight[..., None].to(clips.dtype)
            context = context.replace(torch.cat((clips, others), dim=1) if others.shape[1] else clips)
        attended = dataclasses.replace(memory, video=video, context=context)
        attended.add(FrameMatch(prob * mask, mask, weight))
        if (scores := memory.find(ClipScores)) is not None:  # linear in the encoded clips, so weighted as they are
            attended.add(dataclasses.replace(scores, scores=scores.scores * weight))
        return attended

    def _weights(self, prob: Tensor, mask: Tensor) -> Tensor:
        """The frame attention (eq. 7) (B, Lv)."""
        if self.padding == 'include':
            weight = (prob * mask).softmax(1)
        else:
            weight = prob.masked_fill(~mask, torch.finfo(prob.dtype).min).softmax(1)
        return weight if self.attention == 'one' else weight * mask.sum(1, keepdim=True)


def _filled(negative: Tokens, text: Tokens, exists: Tensor) -> Tokens:
    """Unmatched text (B, L, D); samples without any get their own text, as attention to an empty one is undefined."""
    length = max(negative.mask.shape[1], text.mask.shape[1])
    first, second = _padded(negative, length), _padded(text, length)

    def chosen(a: Tensor | None, b: Tensor | None) -> Tensor | None:
        return None if a is None or b is None else torch.where(exists.view(-1, *[1] * (a.dim() - 1)), a, b)

    pos = None
    if first.pos is not None or second.pos is not None:
        pos = chosen(first.position(), second.position())
    raw, layers = chosen(first.raw, second.raw), chosen(first.layers, second.layers)
    return Tokens(chosen(first.feat, second.feat), chosen(first.mask, second.mask), pos, raw=raw, layers=layers)


def _padded(tokens: Tokens, length: int) -> Tokens:
    extra = length - tokens.mask.shape[1]
    if not extra:
        return tokens
    # The second axis of every field counts text tokens.
    return map_tensors(tokens, lambda x: torch.nn.functional.pad(x, (0, 0) * (x.dim() - 2) + (0, extra)))
