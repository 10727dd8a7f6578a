"""Moment heads: decoded queries to prediction sets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import Decoded, PredictionSet, Queries
from mmvmr.utils import check_choice


@MODELS.register_module()
class DirectSpanHead(nn.Module):
    """``sigmoid(MLP(state))``: spans without anchors (Moment-DETR).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.mlp = MLP(embed_dims, embed_dims, 2, 3)

    def forward(self, decoded: Decoded) -> Tensor:
        """Predict normalised (center, width) of every layer (S, B, N, 2)."""
        return self.mlp(decoded.hidden).float().sigmoid()


@MODELS.register_module()
class AnchorSpanHead(nn.Module):
    """An offset to the anchor of the layer, by an MLP of the head's own (QD-DETR).

    Args:
        embed_dims: Channels D.
        coder: Config of the span coder that applies the offset.
        anchors: ``entered`` for the anchor at the entrance of the layer, ``refined`` for the one after it, as the
            decoder moved it (UVCOM).

    Raises:
        ValueError: If ``anchors`` is unknown.
    """

    def __init__(self, embed_dims: int, coder: dict[str, Any] | None = None, anchors: str = 'entered'):
        super().__init__()
        self.anchors = check_choice(self, 'anchors', anchors, ('entered', 'refined'))
        self.mlp = MLP(embed_dims, embed_dims, 2, 3)
        self.coder = TASK_UTILS.build(coder or {'type': 'LogitSpanCoder'})

    def forward(self, decoded: Decoded) -> Tensor:
        """Predict normalised (center, width) of every layer (S, B, N, 2)."""
        anchors = decoded.anchors if self.anchors == 'entered' else decoded.refined
        return self.coder.decode(self.mlp(decoded.hidden), anchors)


@MODELS.register_module()
class RefinedSpanHead(nn.Module):
    """The anchors as the decoder refined them are the prediction (SA-DETR)."""

    def forward(self, decoded: Decoded) -> Tensor:
        """Return normalised (center, width) of every layer (S, B, N, 2).

        Raises:
            ValueError: If the decoder has no refiner.
        """
        if decoded.refined is None:
            raise ValueError('RefinedSpanHead needs a decoder with anchors: set model.decoder.refiner')
        return decoded.refined


@MODELS.register_module()
class ForegroundHead(nn.Module):
    """Foreground and background logits, class 0 = foreground (Moment-DETR).

    Args:
        embed_dims: Channels D of one state.
        num_states: States that a query has side by side (3 in a :class:`DualPathDecoder`).
        num_layers: Separate weights for each of n decoder layers; None shares one linear layer.
    """

    def __init__(self, embed_dims: int, num_states: int = 1, num_layers: int | None = None):
        super().__init__()
        layers = nn.ModuleList(nn.Linear(num_states * embed_dims, 2) for _ in range(num_layers or 1))
        self.linear = layers[0] if num_layers is None else layers

    def forward(self, decoded: Decoded) -> Tensor:
        """Score every query of every layer (S, B, N, 2)."""
        if isinstance(self.linear, nn.Linear):
            return self.linear(decoded.hidden).float()
        return torch.stack([linear(state) for linear, state in zip(self.linear, decoded.hidden, strict=True)]).float()


@MODELS.register_module()
class QualityHead(nn.Module):
    """``sigmoid(Linear(state))``: the expected IoU of a prediction (BAM-DETR; SA-DETR, section 3.4).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.linear = nn.Linear(embed_dims, 1)

    def forward(self, decoded: Decoded) -> Tensor:
        """Score every query of every layer (S, B, N)."""
        return self.linear(decoded.hidden).squeeze(-1).float().sigmoid()


@MODELS.register_module()
class MomentHead(nn.Module):
    """Spans and scores of every decoder layer and query group.

    Args:
        span: Config of the span predictor.
        logits: Config of the foreground scorer; None for none.
        quality: Config of the quality scorer; None for none.
    """

    def __init__(
        self,
        span: dict[str, Any],
        logits: dict[str, Any] | None = None,
        quality: dict[str, Any] | None = None,
    ):
        super().__init__()
        if logits is None and quality is None:
            raise ValueError('MomentHead needs a score: set model.moment_head.logits or model.moment_head.quality')
        self.span = MODELS.build(span)
        self.logits = None if logits is None else MODELS.build(logits)
        self.quality = None if quality is None else MODELS.build(quality)

    def forward(self, decoded: Decoded, queries: Queries) -> list[PredictionSet]:
        """Predict.

        Args:
            decoded: Decoder output.
            queries: Decoder input, for the groups.

        Returns:
            One set per layer and group, after what the initializer predicted (if anything). The last layer of the
            group ``direct`` is final.
        """
        spans = self.span(decoded)
        logits = None if self.logits is None else self.logits(decoded)
        quality = None if self.quality is None else self.quality(decoded)
        sets = list(queries.init_sets)
        last = spans.shape[0] - 1
        for group in queries.groups:
            block = slice(group.start, group.stop)
            for layer in range(last + 1):
                sets.append(
                    PredictionSet(
                        name=group.name,
                        spans=spans[layer, :, block],
                        layer=layer,
                        final=layer == last and group.name == 'direct',
                        logits=None if logits is None else logits[layer, :, block],
                        quality=None if quality is None else quality[layer, :, block],
                        matched_gt=group.matched_gt,
                        mask=group.mask,
                        extras=group.extras,
                    )
                )
        return sets
