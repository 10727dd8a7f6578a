"""SlowFast R50 8x8 features as the HERO video feature extractor takes them.

What is known of HERO's extractor (its published code; the features of QVHighlights and others were made by it):

- The video is resampled to 30 frames per second by ffmpeg's ``fps`` filter, which rounds half up: frame k is the last
  one that starts before (k + 1/2) / 30 s. The last frame fills up the last second, and the last second, repeated, fills
  up the last clip.
- A clip of c seconds has 30 c frames. 32 of them are taken at ``linspace(0, e, 32)``, rounded down and clamped to the
  last one, where e = 64 f / 30 - 1 and f is the frame rate of the *file*, rounded down. A file of 30 frames per second
  and clips of 2 s give about every second frame, the last one twice. A file of 25 gives the first 1.77 s of a clip.
- The fast pathway sees these 32 frames, the slow one 8 of them, at ``linspace(0, 31, 8)`` rounded down.
- The shorter side becomes 224 pixels (bicubic), then the central square of 224. RGB in [0, 1], minus 0.45, divided by
  0.225.
- The feature is the average over time and space of both pathways, slow (2048) before fast (256), before the classifier.
  It is not L2-normalised.

What is decided here:

- f is one number for all videos (``source_fps``, 30), so that vectors of files with different frame rates mean the
  same; give the rate of your files to reproduce HERO's vectors of them.
- Frames are resized by Pillow, whose bicubic kernel is a little softer than ffmpeg's, and odd crops are rounded to
  even: differences of a few grey levels.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.features.base import VideoExtractor
from mmvmr.features.frames import FrameFormat
from mmvmr.features.networks import SlowFast, is_plain_pickle, load_weights, read_state_dict
from mmvmr.registry import EXTRACTORS
from mmvmr.utils.checkpoint import UnsafeCheckpointError

FPS = 30
NUM_FRAMES = 32
SAMPLING_RATE = 2
MEAN, STD = 0.45, 0.225
# A frame that starts at (k + 1/2) / 30 s (all odd frames at 60 per second) is not frame k. Half a tick is no difference
# to the decoder, so the requested time is further before than that: seconds.
BEFORE = 1.1e-3


def frame_places(clip_frames: int, source_fps: float = FPS) -> np.ndarray:
    """Indices of the frames of a clip that HERO's extractor takes.

    Args:
        clip_frames: Frames of a clip at 30 frames per second.
        source_fps: Frame rate of the file.

    Returns:
        32 indices into the clip, not decreasing, int64.
    """
    last = max(NUM_FRAMES * SAMPLING_RATE * int(source_fps) / FPS - 1, 0)
    # In single precision like the original: at 30 frames per second no place is near an integer but the ends.
    places = torch.linspace(0, last, NUM_FRAMES, device='cpu')
    return places.clamp(0, clip_frames - 1).long().numpy()


def _read_weights(checkpoint: str | os.PathLike[str]) -> dict[str, Tensor]:
    if is_plain_pickle(checkpoint):
        raise UnsafeCheckpointError(
            f'{checkpoint}: refused, because it is a plain pickle, as Caffe2 wrote them (SLOWFAST_8x8_R50.pkl of the '
            'model zoo), and no checkpoint of torch. Convert it once, without running code: '
            f'`python tools/model_converters/caffe2_slowfast.py {checkpoint} OUT.pth`'
        )
    return read_state_dict(checkpoint)


@EXTRACTORS.register_module()
class SlowFastExtractor(VideoExtractor):
    """2304-d SlowFast features; see the module for how frames are sampled.

    Args:
        checkpoint: PySlowFast checkpoint of SLOWFAST_8x8_R50 (``model_state`` with names such as
            ``s1.pathway0_stem.conv.weight``).
        clip_len: Length of a clip in seconds, a multiple of 1/30 s. HERO and QVHighlights: 2.
        source_fps: Frame rate of the files, see above.
        network: Arguments of :class:`mmvmr.features.networks.SlowFast`, for other widths and depths.
        size: Shorter side and crop in pixels.
    """

    batch_clips = 4
    slow_places: Tensor

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        clip_len: float = 2.0,
        source_fps: float = FPS,
        network: dict[str, Any] | None = None,
        size: int = 224,
    ) -> None:
        net = SlowFast(**(network or {}))
        super().__init__(
            net.num_features,
            clip_len,
            frames_per_clip=NUM_FRAMES,
            frame_format=FrameFormat(resize=size, crop=size, interpolation='bicubic'),
        )
        self.clip_frames = round(clip_len * FPS)
        if abs(self.clip_frames - clip_len * FPS) > 1e-6:
            raise ValueError(f'SlowFastExtractor: clip_len is {clip_len}, expected a multiple of 1/{FPS} s')
        if source_fps < 1:
            raise ValueError(f'SlowFastExtractor: source_fps is {source_fps}, expected at least 1')
        self.places = frame_places(self.clip_frames, source_fps)
        load_weights(net, _read_weights(checkpoint), checkpoint)
        self.network = net.eval().requires_grad_(False)
        self.register_buffer(
            'slow_places', torch.linspace(0, NUM_FRAMES - 1, NUM_FRAMES // net.alpha).long(), persistent=False
        )

    def num_clips(self, duration: float) -> int:
        """Number of clips: a started one counts if ffmpeg gives it a frame, that is, from 1/60 s on."""
        seconds = -(-self._num_frames(duration) // FPS)
        return min(super().num_clips(duration), max(1, -(-seconds * FPS // self.clip_frames)))

    def timestamps(self, duration: float) -> np.ndarray:
        """Times of the 32 frames of every clip, (clips, 32), in seconds; see the module."""
        frames = np.arange(self.num_clips(duration))[:, None] * self.clip_frames + self.places
        whole = -(-self._num_frames(duration) // FPS) * FPS
        # After the last (filled up) second it is repeated; inside it the decoder repeats the last frame.
        frames = np.where(frames < whole, frames, whole - FPS + frames % FPS)
        return (frames + 0.5) / FPS - BEFORE

    def forward(self, clips: Tensor) -> Tensor:
        """Features (B, 2304) of clips (B, 32, 3, H, W), uint8 RGB."""
        fast = (clips.float() / 255 - MEAN) / STD
        fast = fast.transpose(1, 2)  # (B, 3, 32, H, W)
        return self.network.features(fast[:, :, self.slow_places], fast)

    @staticmethod
    def _num_frames(duration: float) -> int:
        """Frames that ffmpeg makes of a video: half a frame counts."""
        return max(1, int(duration * FPS + 0.5))
