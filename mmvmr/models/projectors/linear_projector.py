"""Projection of input features to the width of the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import Dropout
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens

TEF_DIMS = 2


class ProjectionLayer(nn.Module):
    """LayerNorm, dropout, linear and (optionally) ReLU: one block of Moment-DETR's input projection.

    Args:
        in_dims: Input channels.
        out_dims: Output channels.
        dropout: Dropout before the linear layer.
        relu: Whether a ReLU follows.
    """

    def __init__(self, in_dims: int, out_dims: int, dropout: float, relu: bool):
        super().__init__()
        self.norm = nn.LayerNorm(in_dims)
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(in_dims, out_dims)
        self.activation = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_dims) to (..., out_dims)."""
        return self.activation(self.linear(self.dropout(self.norm(x))))


def projection_stack(in_dims: int, out_dims: int, num_layers: int, dropout: float) -> nn.Sequential:
    """Blocks that map (..., in_dims) to (..., out_dims).

    Args:
        in_dims: Input channels.
        out_dims: Output channels of every block.
        num_layers: Number of :class:`ProjectionLayer`; the last one has no ReLU.
        dropout: Dropout inside the blocks.

    Returns:
        The blocks.
    """
    return nn.Sequential(
        *(
            ProjectionLayer(in_dims if i == 0 else out_dims, out_dims, dropout, relu=i < num_layers - 1)
            for i in range(num_layers)
        )
    )


@MODELS.register_module()
class LearnedTextPosition(nn.Module):
    """Learned positional encoding of text tokens, added and normalised (``use_txt_pos`` of Moment-DETR).

    Args:
        embed_dims: Channels D.
        max_length: Longest sentence.
        input_dropout: Dropout on the result.
    """

    def __init__(self, embed_dims: int, max_length: int = 32, input_dropout: float = 0.5):
        super().__init__()
        self.embedding = nn.Embedding(max_length, embed_dims)
        self.norm = nn.LayerNorm(embed_dims)
        self.dropout = Dropout(input_dropout)

    def forward(self, feat: Tensor) -> Tensor:
        """Make the positions of (B, Lt, D) text tokens.

        Raises:
            ValueError: If a sentence is longer than ``max_length``.
        """
        length, limit = feat.shape[1], self.embedding.num_embeddings
        if length > limit:
            raise ValueError(
                f'a sentence has {length} text tokens, model.projector.text_position.max_length={limit}: raise it, or '
                'cut sentences with feature_spec.text.max_length'
            )
        return self.dropout(self.norm(feat + self.embedding.weight[:length]))


@MODELS.register_module()
class LinearProjector(nn.Module):
    """Project clips and text tokens with a small MLP each (Moment-DETR, section 4).

    Args:
        video_dims: Channels of a clip, temporal endpoint features included.
        text_dims: Channels of a text token.
        embed_dims: Channels D of the model.
        num_layers: Blocks per modality; the last one has no ReLU.
        input_dropout: Dropout inside the blocks.
        position: Config of the positional encoding of clips.
        text_position: Config of a module that makes positions of text tokens from their projected and marked features,
            e.g. :class:`LearnedTextPosition`; None for text tokens without position, as published.
        modality: Config of a module ``f(features) -> features`` that marks clips and text tokens, e.g.
            :class:`ModalityEmbedding`; None marks nothing.
        audio_dims: Channels of a clip that are sound, the last ones before the temporal endpoint features: with
            the endpoints they have a separate MLP, whose output is added (UVCOM). 0 projects all at once.
    """

    def __init__(
        self,
        video_dims: int,
        text_dims: int,
        embed_dims: int,
        num_layers: int = 2,
        input_dropout: float = 0.5,
        position: dict[str, Any] | None = None,
        text_position: dict[str, Any] | None = None,
        modality: dict[str, Any] | None = None,
        audio_dims: int = 0,
    ):
        super().__init__()
        self.video_dims = video_dims
        self.audio_dims = audio_dims
        self.video = projection_stack(video_dims - audio_dims, embed_dims, num_layers, input_dropout)
        if audio_dims:
            self.audio = projection_stack(audio_dims + TEF_DIMS, embed_dims, num_layers, input_dropout)
        self.text = projection_stack(text_dims, embed_dims, num_layers, input_dropout)
        self.position = MODELS.build(position or {'type': 'SinePosition', 'embed_dims': embed_dims})
        self.text_position = None if text_position is None else MODELS.build(text_position)
        self.modality = nn.Identity() if modality is None else MODELS.build(modality)

    def forward(self, inputs: dict[str, Tensor]) -> Features:
        """Project a padded batch.

        Args:
            inputs: ``video`` (B, Lv, Dv), ``video_mask`` (B, Lv), ``text`` (B, Lt, Dt), ``text_mask`` (B, Lt), and
                optionally ``neg_text``, ``class_text`` with their masks, and ``video_index`` (B,), with which there
                are fewer videos than sentences.

        Returns:
            Projected features with the positions of the clips.

        Raises:
            ValueError: If the features have other dimensions than the projector was built for.
        """
        check_dims(inputs, {'video': self.video_dims, 'text': self.text[0].linear.in_features})
        video, mask = inputs['video'], inputs['video_mask']
        features = Features(
            video=Tokens(self._project(video), mask, self.position(mask)),
            text=self._words(inputs, 'text'),
            negative_text=self._words(inputs, 'neg_text'),
            raw_video=Tokens(video, mask),
            rows=inputs.get('video_index'),
            class_text=self._words(inputs, 'class_text'),
        )
        features = self.modality(features)
        return features if self.text_position is None else self._placed(features)

    def _words(self, inputs: dict[str, Tensor], name: str) -> Tokens | None:
        return Tokens(self.text(inputs[name]), inputs[f'{name}_mask'], raw=inputs[name]) if name in inputs else None

    def _placed(self, features: Features) -> Features:
        """The same features with positions of text tokens."""
        text_tokens = {name: getattr(features, name) for name in ('text', 'negative_text', 'class_text')}
        placed = {
            name: dataclasses.replace(tokens, pos=self.text_position(tokens.feat))
            for name, tokens in text_tokens.items()
            if tokens is not None
        }
        return dataclasses.replace(features, **placed)

    def _project(self, video: Tensor) -> Tensor:
        if not self.audio_dims:
            return self.video(video)
        sight, sound, tef = video.split((self.video_dims - self.audio_dims - TEF_DIMS, self.audio_dims, TEF_DIMS), -1)
        return self.video(torch.cat((sight, tef), dim=-1)) + self.audio(torch.cat((sound, tef), dim=-1))


def check_dims(inputs: Mapping[str, Tensor], expected: Mapping[str, int]) -> None:
    """Compare the width of features with what a projector was built for.

    Args:
        inputs: Padded features by name.
        expected: Name to channels.

    Raises:
        ValueError: If they differ.
    """
    for name, dims in expected.items():
        actual_dims = inputs[name].shape[-1]
        if actual_dims != dims:
            hint = ' (temporal endpoint features add 2)' if name == 'video' else ''
            raise ValueError(
                f'{name} features have {actual_dims} channels, model.projector.{name}_dims={dims}: '
                f'set it to the feature files that the data set reads{hint}'
            )
