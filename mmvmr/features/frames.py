"""Sampling of frames for every clip of a video: times, numbers and sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmvmr.utils import check_choice

ROUNDINGS = ('ceil', 'round', 'floor')
INTERPOLATIONS = ('bilinear', 'bicubic')


def clip_count(duration: float, clip_len: float, rounding: str = 'ceil') -> int:
    """Number of clips of a video.

    Args:
        duration: Length of the video in seconds.
        clip_len: Length of a clip in seconds.
        rounding: ``ceil``: a started clip counts (frames at 0, 1, 2 ... s as long as there is video); ``round``: a clip
            counts when more than half of it is there, as ffmpeg's fps filter counts; ``floor``: whole clips only.

    Returns:
        At least 1.

    Raises:
        ValueError: If the rounding is unknown.
    """
    clips = duration / clip_len
    if rounding == 'ceil':
        count = np.ceil(clips - 1e-6)  # a video of 30.0000001 s has 30 clips of 1 s
    elif rounding == 'round':
        count = np.floor(clips + 0.5)
    elif rounding == 'floor':
        count = np.floor(clips + 1e-6)
    else:
        raise ValueError(f'rounding={rounding!r} is unknown, expected one of {ROUNDINGS}')
    return max(1, int(count))


@dataclass(frozen=True)
class FrameFormat:
    """Size of the frames that a network sees. Frames are RGB, 8 bits, upright.

    Attributes:
        resize: Length of the shorter side in pixels, the other one in proportion; None keeps the size.
        crop: Side in pixels of the central square that is then cut out; None keeps everything.
        interpolation: ``bilinear`` or ``bicubic``, both with anti-aliasing as Pillow does.
    """

    resize: int | None = 256
    crop: int | None = 224
    interpolation: str = 'bilinear'

    def __post_init__(self) -> None:
        check_choice(self, 'interpolation', self.interpolation, INTERPOLATIONS)
        if self.resize is not None and self.crop is not None and self.crop > self.resize:
            raise ValueError(f'crop={self.crop} is larger than resize={self.resize}')

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Resize and crop a frame.

        Args:
            frame: (H, W, 3), uint8.

        Returns:
            (H', W', 3), uint8.

        Raises:
            ValueError: If the frame is smaller than the crop and is not resized.
        """
        if self.resize is not None:
            frame = self._resized(frame)
        if self.crop is None:
            return frame
        height, width = frame.shape[:2]
        if min(height, width) < self.crop:
            raise ValueError(f'a frame of {width} x {height} is smaller than the crop of {self.crop}')
        # Half a pixel is rounded to even, as torchvision's center crop does.
        top, left = round((height - self.crop) / 2), round((width - self.crop) / 2)
        return frame[top : top + self.crop, left : left + self.crop]

    def _resized(self, frame: np.ndarray) -> np.ndarray:
        from PIL import Image

        height, width = frame.shape[:2]
        short = min(height, width)
        if short == self.resize:
            return frame
        size = (int(width * self.resize / short), int(height * self.resize / short))
        resample = getattr(Image.Resampling, self.interpolation.upper())
        return np.array(Image.fromarray(frame).resize(size, resample))  # a copy: Pillow hands out read-only memory
