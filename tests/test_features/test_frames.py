"""Number of clips, times and sizes of frames."""

import numpy as np
import pytest
from PIL import Image

from mmvmr.features import AudioExtractor, FrameFormat, VideoExtractor, clip_count


@pytest.mark.parametrize(
    ('duration', 'clip_len', 'ceil', 'rounded', 'floor'),
    [(30.62, 1, 31, 31, 30), (30.4, 1, 31, 30, 30), (30, 1, 30, 30, 30), (150, 2, 75, 75, 75), (0.3, 2, 1, 1, 1),
     (30.0000001, 1, 30, 30, 30), (1 / 3 * 9, 1 / 3, 9, 9, 9), (31, 2, 16, 16, 15)],
)  # fmt: skip
def test_clip_count(duration, clip_len, ceil, rounded, floor):
    found = [clip_count(duration, clip_len, rounding) for rounding in ('ceil', 'round', 'floor')]
    assert found == [ceil, rounded, floor]


def test_unknown_rounding_is_told_when_the_extractor_is_built():
    for make in (VideoExtractor, lambda *args, **kwargs: AudioExtractor(*args, 8000, **kwargs)):
        with pytest.raises(ValueError, match="rounding='up' is unknown"):
            make(4, 1.0, rounding='up')
        with pytest.raises(ValueError, match='clip_len is 0'):
            make(4, 0)


def test_default_times():
    start = VideoExtractor(4, 2.0).timestamps(7)
    np.testing.assert_allclose(start, [[0], [2], [4], [6]])
    middle = VideoExtractor(4, 2.0, position=0.5, rounding='round').timestamps(6.9)
    np.testing.assert_allclose(middle, [[1], [3], [5]])
    several = VideoExtractor(4, 2.0, frames_per_clip=4).timestamps(3)
    np.testing.assert_allclose(several, [[0.25, 0.75, 1.25, 1.75], [2.25, 2.75, 3.25, 3.75]])


def test_sound_of_a_clip_is_around_its_middle():
    own = AudioExtractor(4, 2.0, 8000)
    np.testing.assert_allclose(own.starts(5), [0, 2, 4])
    assert own.samples_per_clip == 16000
    wide = AudioExtractor(4, 1.0, 8000, window=3.0)
    np.testing.assert_allclose(wide.starts(2), [-1, 0])
    assert wide.samples_per_clip == 24000


@pytest.mark.parametrize(('height', 'width'), [(48, 80), (80, 48), (32, 32), (33, 71)])
@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
def test_resize_and_crop(height, width, interpolation):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = FrameFormat(resize=32, crop=28, interpolation=interpolation).apply(frame)
    short = min(height, width)
    size = (width * 32 // short, height * 32 // short)
    image = Image.fromarray(frame).resize(size, getattr(Image.Resampling, interpolation.upper()))
    left, top = round((size[0] - 28) / 2), round((size[1] - 28) / 2)
    np.testing.assert_array_equal(found, np.asarray(image.crop((left, top, left + 28, top + 28))))


def test_prepare_gives_channels_first():
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    whole = VideoExtractor(4, 1.0, frame_format=FrameFormat(resize=None, crop=None)).prepare(frame)
    np.testing.assert_array_equal(whole.numpy(), frame.transpose(2, 0, 1))
    assert VideoExtractor(4, 1.0).prepare(frame).shape == (3, 224, 224)


def test_wrong_formats():
    with pytest.raises(ValueError, match="interpolation='nearest' is unknown"):
        FrameFormat(interpolation='nearest')
    with pytest.raises(ValueError, match='crop=300 is larger than resize=256'):
        FrameFormat(crop=300)
    with pytest.raises(ValueError, match='a frame of 30 x 20 is smaller than the crop of 24'):
        FrameFormat(resize=None, crop=24).apply(np.zeros((20, 30, 3), np.uint8))
