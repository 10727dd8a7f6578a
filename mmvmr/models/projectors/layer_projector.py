"""Projection of several layers of a frozen encoder (R2-Tuning)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.projectors.linear_projector import TEF_DIMS, check_dims, projection_stack
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens


@MODELS.register_module()
class LayerProjector(nn.Module):
    """Project the tokens of every layer of a frozen encoder, with one MLP per modality for all layers (R2-Tuning).

    A clip is the array [layers K, tokens P, channels], followed by its temporal endpoint features, which join every
    token of it; a text token is the array [layers K, channels] (:class:`mmvmr.features.extractors.
    CLIPImageLayersExtractor`). Clips and text tokens themselves are those of the last layer, a clip by its class token,
    so that any encoder runs on them; :class:`RecurrentLayerFusion` takes all layers.

    Args:
        video_dims: Numbers of a clip, temporal endpoint features included.
        text_dims: Numbers of a text token.
        embed_dims: Channels D of the model.
        feature_layers: Layers K.
        frame_tokens: Tokens P of a frame in each of them, the class token in front.
        num_layers: Blocks per modality; the last one has no ReLU.
        input_dropout: Dropout inside the blocks.
        position: Config of the positional encoding of clips.

    Raises:
        ValueError: If clips or text tokens cannot have this number of layers and tokens.
    """

    def __init__(
        self,
        video_dims: int,
        text_dims: int,
        embed_dims: int,
        feature_layers: int = 4,
        frame_tokens: int = 50,
        num_layers: int = 2,
        input_dropout: float = 0.5,
        position: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.dims = {'video': video_dims, 'text': text_dims}
        self.feature_layers = feature_layers
        self.frame_tokens = frame_tokens
        channels = self._channels('video', video_dims - TEF_DIMS, feature_layers * frame_tokens)
        self.video = projection_stack(channels + TEF_DIMS, embed_dims, num_layers, input_dropout)
        channels = self._channels('text', text_dims, feature_layers)
        self.text = projection_stack(channels, embed_dims, num_layers, input_dropout)
        self.position = MODELS.build(position or {'type': 'SinePosition', 'embed_dims': embed_dims})

    def _channels(self, name: str, numbers: int, vectors: int) -> int:
        if not 0 < vectors <= numbers or numbers % vectors:
            tokens = f' x {self.frame_tokens} frame_tokens' if name == 'video' else ''
            raise ValueError(
                f'model.projector.{name}_dims={self.dims[name]}: {numbers} numbers'
                f'{" without temporal endpoint features" if name == "video" else ""} are no '
                f'{self.feature_layers} feature_layers{tokens}; set both to what the feature files hold'
            )
        return numbers // vectors

    def forward(self, inputs: dict[str, Tensor]) -> Features:
        """Project a padded batch.

        Args:
            inputs: ``video`` (B, Lv, Dv), ``video_mask`` (B, Lv), ``text`` (B, Lt, Dt), ``text_mask`` (B, Lt), and
                optionally ``neg_text`` with its mask and ``video_index`` (B,), with which there are fewer videos than
                sentences.

        Returns:
            Projected features with ``layers``, and the positions of the clips.

        Raises:
            ValueError: If the features have other dimensions than the projector was built for.
        """
        check_dims(inputs, self.dims)
        video, mask = inputs['video'], inputs['video_mask']
        states, tef = video.split((video.shape[-1] - TEF_DIMS, TEF_DIMS), dim=-1)
        states = rearrange(states, 'b l (k p c) -> b l k p c', k=self.feature_layers, p=self.frame_tokens)
        tef = tef[:, :, None, None].expand(*states.shape[:-1], TEF_DIMS)
        layers = self.video(torch.cat((states, tef), dim=-1))
        return Features(
            video=Tokens(layers[:, :, -1, 0], mask, self.position(mask), layers=layers),
            text=self._text(inputs, 'text'),
            negative_text=self._text(inputs, 'neg_text'),
            raw_video=Tokens(video, mask),
            rows=inputs.get('video_index'),
        )

    def _text(self, inputs: dict[str, Tensor], name: str) -> Tokens | None:
        if name not in inputs:
            return None
        layers = self.text(rearrange(inputs[name], 'b l (k c) -> b l k c', k=self.feature_layers))
        return Tokens(layers[:, :, -1], inputs[f'{name}_mask'], raw=inputs[name], layers=layers)
