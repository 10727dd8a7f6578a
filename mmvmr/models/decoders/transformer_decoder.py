"""The decoder: moment queries attend to the memory and refine their reference points."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.decoders.span_enhance import check_clip_context
from mmvmr.models.layers import FFN, MLP, LearnedQueryPosition, QueryPosition, residual_dropout, xavier_
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import Decoded, Memory, Queries
from mmvmr.utils import check_choice
from mmvmr.utils.merging import merge_configs


@MODELS.register_module()
class NoEnhance(nn.Module):
    """The neutral enhance block: content passes unchanged."""

    def forward(
        self, content: Tensor, memory: Memory, anchors: Tensor | None, attn_mask: Tensor | None = None
    ) -> Tensor:
        """Return the content."""
        return content


@MODELS.register_module()
class DecoderLayer(nn.Module):
    """Post-norm decoder layer: self-attention, enhance, cross-attention, feed-forward.

    Args:
        embed_dims: Channels D.
        self_attn: Config with the signature of :class:`QuerySelfAttention`.
        cross_attn: Config with the signature of :class:`QueryCrossAttention`.
        enhance: Config of a block ``f(content, memory, anchors, attn_mask) -> content`` between the two; None for
            none.
        ffn_dims: Hidden channels of the feed-forward block.
        dropout: Dropout of residuals and feed-forward block.
        activation: Activation of the feed-forward block.
        drop_unit: What residual dropout drops, see :func:`mmvmr.models.layers.residual_dropout`.
        residual: What the cross-attention adds to: the ``content`` of the queries, the ``projected`` content, its Q,
            as SA-DETR prints it (eq. 6; needs :class:`ConditionalCrossAttention`), or ``none``.

    Raises:
        ValueError: If ``residual`` is unknown, or the cross-attention has no projected content.
    """

    def __init__(
        self,
        embed_dims: int,
        self_attn: dict[str, Any],
        cross_attn: dict[str, Any],
        enhance: dict[str, Any] | None = None,
        ffn_dims: int = 1024,
        dropout: float = 0.1,
        activation: str = 'relu',
        drop_unit: str = 'element',
        residual: str = 'content',
    ):
        super().__init__()
        self.residual = check_choice(self, 'residual', residual, ('content', 'projected', 'none'))
        self.self_attn = MODELS.build(self_attn)
        self.enhance = MODELS.build(enhance or {'type': 'NoEnhance'})
        self.cross_attn = MODELS.build(cross_attn)
        if residual == 'projected' and not hasattr(self.cross_attn, 'query_content'):
            raise ValueError(
                f"DecoderLayer: residual='projected' needs a cross-attention that projects the content by itself "
                f'(ConditionalCrossAttention), found {type(self.cross_attn).__name__}'
            )
        self.ffn = FFN(embed_dims, ffn_dims, dropout, activation)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.norm3 = nn.LayerNorm(embed_dims)
        self.dropout = residual_dropout(dropout, drop_unit)

    def forward(
        self,
        content: Tensor,
        position: QueryPosition,
        memory: Memory,
        anchors: Tensor | None,
        attn_mask: Tensor | None = None,
    ) -> Tensor:
        """Refine the content of the queries.

        Args:
            content: (B, N, D).
            position: Position of the queries.
            memory: Encoder output; its context is attended to.
            anchors: Spans at the entrance of the layer (B, N, 2).
            attn_mask: Which query may look at which (B, N, N) or (1, N, N), True = may.

        Returns:
            (B, N, D).
        """
        content = self.norm1(content + self.dropout(self.self_attn(content, position, attn_mask)))
        content = self.enhance(content, memory, anchors, attn_mask)
        if getattr(self.cross_attn, 'modulator', None) is not None:
            check_clip_context(self.cross_attn.modulator, memory)
        update = self.dropout(self.cross_attn(content, position, memory.context, anchors))
        if self.residual == 'projected':
            content = self.cross_attn.query_content(content)
        content = self.norm2(update if self.residual == 'none' else content + update)
        return self.norm3(content + self.dropout(self.ffn(content)))


@MODELS.register_module()
class AnchorRefiner(nn.Module):
    """Iterative refinement of the reference points with one MLP shared by all decoder layers.

    Args:
        embed_dims: Channels D.
        coder: Config of the span coder that applies the offset.
        zero_init: Initialise the last layer with zeros and the others with the default of torch (EaTR). The official
            code of QD-DETR intends this and then overwrites it.
    """

    def __init__(self, embed_dims: int, coder: dict[str, Any] | None = None, zero_init: bool = False):
        super().__init__()
        self.mlp = MLP(embed_dims, embed_dims, 2, 3)
        self.coder = TASK_UTILS.build(coder or {'type': 'LogitSpanCoder'})
        self.zero_init = zero_init

    def init_weights(self) -> None:
        """Zero the last layer where asked; called after the Xavier pass of the decoder."""
        if self.zero_init:
            for layer in self.mlp.layers:
                layer.reset_parameters()
            nn.init.zeros_(self.mlp.layers[-1].weight)
            nn.init.zeros_(self.mlp.layers[-1].bias)

    def forward(self, content: Tensor, anchors: Tensor) -> Tensor:
        """Return the refined reference points (B, N, 2)."""
        return self.coder.decode(self.mlp(content), anchors)


@MODELS.register_module()
class TransformerDecoder(nn.Module):
    """A stack of decoder layers over moment queries with or without anchors.

    Args:
        num_layers: Number of layers S.
        layer: Config of a layer with the signature of :class:`DecoderLayer`.
        position: Config of the query position, e.g. :class:`AnchorQueryPosition`.
        first_layer: Options of the first layer that differ from ``layer`` (merged recursively).
        refiner: Config of :class:`AnchorRefiner`; None where reference points are fixed or absent.
        embed_dims: Channels D.
        output_norm: Normalise the states that the heads receive; the next layer receives the un-normalised ones.
        refine_from: Source of the refined reference points that the heads receive: ``state``, the state and the
            detached reference point, as in the next layer; or ``output``, the normalised state and the reference
            point with its gradient (EaTR).
        detach_anchors: Stop the gradient from the positions to the initial reference points (EaTR).

    Raises:
        ValueError: If ``refine_from`` is unknown or there is no refiner for it, or if a block relates spans to clips
            and queries have none.
    """

    def __init__(
        self,
        num_layers: int,
        layer: dict[str, Any],
        position: dict[str, Any],
        embed_dims: int,
        first_layer: dict[str, Any] | None = None,
        refiner: dict[str, Any] | None = None,
        output_norm: bool = True,
        refine_from: str = 'state',
        detach_anchors: bool = False,
    ):
        super().__init__()
        self.refine_from = check_choice(self, 'refine_from', refine_from, ('state', 'output'))
        if refine_from == 'output' and refiner is None:
            raise ValueError("TransformerDecoder: refine_from='output' needs a refiner")
        self.detach_anchors = detach_anchors
        first = merge_configs(layer, first_layer or {})
        self.layers = nn.ModuleList(MODELS.build(first if i == 0 else dict(layer)) for i in range(num_layers))
        self.position = MODELS.build(position)
        guided = [type(module).__name__ for module in self.layers.modules() if getattr(module, 'needs_anchors', False)]
        if guided and isinstance(self.position, LearnedQueryPosition):
            raise ValueError(
                f'{guided[0]} needs queries with anchors, but model.decoder.position is a LearnedQueryPosition: use '
                'e.g. SpanQueryPosition, with DynamicAnchorQueryInitializer as model.query_initializer'
            )
        self.refiner = None if refiner is None else MODELS.build(refiner)
        self.norm = nn.LayerNorm(embed_dims) if output_norm else nn.Identity()
        xavier_(self)
        if self.refiner is not None:
            self.refiner.init_weights()

    def forward(self, queries: Queries, memory: Memory) -> Decoded:
        """States and reference points of every layer.

        Reference points are detached between layers and keep their gradient in the result.
        """
        content, reference = queries.content, queries.anchors
        hidden, inputs, outputs = [], [], []  # per layer: normalised state, reference points before and after
        layer_reference = reference.detach() if reference is not None and self.detach_anchors else reference
        for index, layer in enumerate(self.layers):
            position = self.position(queries, content, layer_reference, index)
            content = layer(content, position, memory, layer_reference, queries.attn_mask)
            hidden.append(self.norm(content))
            if reference is None:
                continue
            inputs.append(reference)  # with gradient; the layer itself gets them without
            if self.refiner is None:
                reference = layer_reference
            else:
                reference = self.refiner(content, layer_reference)
                layer_reference = reference.detach()
            outputs.append(reference if self.refine_from == 'state' else self.refiner(hidden[-1], inputs[-1]))
        return Decoded(
            hidden=torch.stack(hidden),
            anchors=torch.stack(inputs) if inputs else None,
            refined=torch.stack(outputs) if outputs else None,
        )
