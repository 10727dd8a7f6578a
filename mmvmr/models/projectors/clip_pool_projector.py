"""Projection of videos of any length to a fixed number of clips."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens
from mmvmr.utils import check_choice

_LAST = ('included', 'excluded')


def resampling_weights(mask: Tensor, count: int, last: str = 'included') -> Tensor:
    """Weights that average a video into equally long parts (``avgfeats`` of 2D-TAN).

    The parts begin at ``round(i / P x L)``; one without a clip takes the clip that it would begin with.

    Args:
        mask: Valid clips (V, L), contiguous from the first.
        count: Parts P.
        last: Whether the last clip of the video is ``included`` in the last part; 2D-TAN and MMN clamp the boundaries
            to ``L - 1``, so that it is ``excluded`` wherever the last part has other clips.

    Returns:
        (V, P, L), rows sum to 1.
    """
    length = mask.sum(1, keepdim=True)
    steps = torch.arange(count + 1, dtype=torch.float32, device=mask.device) / count
    bounds = (steps * length).round().long()
    start = bounds[:, :-1].minimum(length - 1)
    stop = bounds[:, 1:].minimum(length if last == 'included' else length - 1)
    stop = torch.maximum(stop, start + 1)
    clip = torch.arange(mask.shape[1], device=mask.device)
    inside = (clip >= start.unsqueeze(-1)) & (clip < stop.unsqueeze(-1))
    return inside / (stop - start).unsqueeze(-1)


@MODELS.register_module()
class ClipPoolProjector(nn.Module):
    """Average a video into P parts, project them and average these into N clips (2D-TAN; MMN, section 3.1).

    Text tokens pass as they are, or through a text encoder.

    Args:
        video_dims: Channels of a clip.
        text_dims: Channels of a text token; 1 where text tokens are token numbers for ``text_encoder``.
        embed_dims: Channels D of the model.
        num_clips: Clips N.
        num_parts: Parts P that a video is averaged into first.
        kernel_size: Parts that a clip is averaged over; None for P / N.
        last: Whether the last clip of a video counts, see :func:`resampling_weights`.
        text_encoder: Config of a trainable encoder, e.g. :class:`TransformersTextEncoder`; None for features.

    Raises:
        ValueError: If parts and kernel do not give N clips, or ``last`` is unknown.
    """

    def __init__(
        self,
        video_dims: int,
        text_dims: int,
        embed_dims: int,
        num_clips: int,
        num_parts: int,
        kernel_size: int | None = None,
        last: str = 'included',
        text_encoder: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.last = check_choice(self, 'last', last, _LAST)
        stride = num_parts // num_clips
        kernel_size = kernel_size or stride
        num_windows = (num_parts - kernel_size) // max(stride, 1) + 1
        if stride < 1 or num_windows != num_clips:
            raise ValueError(
                f'ClipPoolProjector: num_parts={num_parts} and kernel_size={kernel_size} give {num_windows} clips, '
                f'num_clips={num_clips} are expected'
            )
        self.video_dims, self.text_dims = video_dims, text_dims
        self.num_parts = num_parts
        self.conv = nn.Conv1d(video_dims, embed_dims, 1)
        self.pool = nn.AvgPool1d(kernel_size, stride)
        self.text_encoder = None if text_encoder is None else MODELS.build(text_encoder)

    def init_weights(self) -> None:
        """Read pre-trained weights of the text encoder; the runner calls this before training."""
        if hasattr(self.text_encoder, 'init_weights'):
            self.text_encoder.init_weights()

    def forward(self, inputs: dict[str, Tensor]) -> Features:
        """Project a padded batch.

        Args:
            inputs: ``video`` (V, L, Dv), ``video_mask`` (V, L), ``text`` (B, Lt, Dt), ``text_mask`` (B, Lt), and where
                sentences share videos ``video_index`` (B,).

        Returns:
            Clips (V, N, D), text tokens (B, Lt, Dw) and ``raw_video``, the parts (V, P, Dv).

        Raises:
            ValueError: If the features have other dimensions than the projector was built for.
        """
        for name, expected in (('video', self.video_dims), ('text', self.text_dims)):
            if inputs[name].shape[-1] != expected:
                raise ValueError(
                    f'{name} features have {inputs[name].shape[-1]} channels, model.projector.{name}_dims={expected}: '
                    'set it to the feature files that the data set reads'
                )
        video, mask = inputs['video'], inputs['video_mask']
        weights = resampling_weights(mask, self.num_parts, self.last)
        with torch.autocast(video.device.type, enabled=False):
            parts = weights @ video.float().where(mask.unsqueeze(-1), 0.0)
        clips = self.pool(self.conv(parts.transpose(1, 2)).relu()).transpose(1, 2)
        text, valid = inputs['text'], inputs['text_mask']
        encoded = Tokens(text, valid, raw=text)
        if self.text_encoder is not None:
            encoded = Tokens(self.text_encoder(text, valid), valid)  # token numbers are not features
        return Features(
            video=_unpadded(clips),
            text=encoded,
            raw_video=_unpadded(parts),
            rows=inputs.get('video_index'),
        )


def _unpadded(clips: Tensor) -> Tokens:
    return Tokens(clips, clips.new_ones(clips.shape[:2], dtype=torch.bool))
