import contextlib
import pickle
import runpy
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from testing.weights import randomise

from mmvmr.features.extractors.slowfast import SlowFastExtractor, frame_places
from mmvmr.features.networks import SlowFast
from mmvmr.registry import EXTRACTORS
from mmvmr.utils.checkpoint import UnsafeCheckpointError

TINY = dict(width=8, depths=(1, 1, 1, 1), num_classes=3)


@pytest.fixture(scope='module')
def weights():
    return randomise(SlowFast(**TINY)).state_dict()


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory, weights):
    """A checkpoint as PySlowFast saves it."""
    path = tmp_path_factory.mktemp('slowfast') / 'tiny.pyth'
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1).state_dict()
    torch.save({'epoch': 195, 'model_state': weights, 'optimizer_state': optimizer, 'cfg': 'MODEL:\n  ARCH: x\n'}, path)
    return path


def build(checkpoint, **kwargs):
    return EXTRACTORS.build(
        dict(type='SlowFastExtractor', checkpoint=str(checkpoint), network=dict(TINY), size=64, **kwargs)
    )


def test_places_of_the_frames_in_a_clip():
    # A file of 30 frames per second: 63 / 31 apart, the last two beyond the clip.
    expected = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]
    expected += [32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 59, 59]
    assert frame_places(60).tolist() == expected
    # 25: linspace(0, 52 1/3, 32); 60: linspace(0, 127, 32), of which more than half is clamped.
    assert frame_places(60, 25)[[0, 1, 2, 15, 31]].tolist() == [0, 1, 3, 25, 52]
    assert frame_places(60, 60)[[0, 1, 2, 14, 15, 31]].tolist() == [0, 4, 8, 57, 59, 59]
    assert frame_places(60, 29.97).tolist() == frame_places(60, 29).tolist() != expected
    assert frame_places(30)[-1] == 29


def hero_frames(duration, clip_len, source_fps):
    """Which decoded frames HERO's extractor feeds, by carrying out its padding on numbers instead of images."""
    frames = list(range(max(1, int(np.floor(duration * 30 + 0.5)))))
    frames += frames[-1:] * (-len(frames) % 30)
    seconds = [frames[i : i + 30] for i in range(0, len(frames), 30)]
    numerator = {1: 1, 2: 2, 1.5: 3}[clip_len]
    seconds += seconds[-1:] * (-len(seconds) % numerator)
    flat = [frame for second in seconds for frame in second]
    length = int(clip_len * 30)
    clips = [flat[i : i + length] for i in range(0, len(flat), length)][: int(np.ceil(duration / clip_len))]
    places = np.linspace(0, max(64 * source_fps / 30 - 1, 0), 32)
    return np.array([[clip[min(int(p), length - 1)] for p in places] for clip in clips])


@pytest.mark.parametrize(('clip_len', 'source_fps'), [(2, 30), (2, 23), (1.5, 30), (1, 25)])
def test_frames_are_those_of_hero(checkpoint, clip_len, source_fps):
    extractor = build(checkpoint, clip_len=clip_len, source_fps=source_fps)
    for duration in (150.0, 149.98, 150.01, 3.0, 4.4, 5.9, 0.3, 0.01, 31.02):
        times = extractor.timestamps(duration)
        expected = hero_frames(duration, clip_len, source_fps)
        assert times.shape == expected.shape == (extractor.num_clips(duration), 32)
        # The frame shown at a time, at 30 per second; behind the last one the last one.
        shown = np.minimum(np.floor(times * 30), max(1, int(np.floor(duration * 30 + 0.5))) - 1)
        np.testing.assert_array_equal(shown, expected)


def test_a_video_of_150_seconds_has_75_clips(checkpoint):
    times = build(checkpoint).timestamps(150.0)
    assert len(times) == 75
    np.testing.assert_allclose(times[1, :3], [2 + 1 / 60, 2 + 5 / 60, 2 + 9 / 60], atol=2e-3)
    np.testing.assert_allclose(times[74, -1], 150 - 1 / 60, atol=2e-3)


def frames_of_ffmpeg(av, rate, count):
    """Numbers of the frames that ffmpeg's filter ``fps=30`` takes of ``count`` frames at ``rate`` per second."""
    graph = av.filter.Graph()
    source = graph.add('buffer', f'video_size=8x8:pix_fmt=gray:time_base=1/90000:frame_rate={rate}')
    fps, sink = graph.add('fps', 'fps=30'), graph.add('buffersink')
    source.link_to(fps)
    fps.link_to(sink)
    graph.configure()
    numbers = []
    for number in [*range(count), None]:
        frame = None
        if number is not None:
            frame = av.VideoFrame.from_ndarray(np.full((8, 8), number, np.uint8), format='gray')
            frame.pts, frame.time_base = round(number / rate * 90000), Fraction(1, 90000)
        source.push(frame)
        with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                numbers.append(int(sink.pull().to_ndarray()[0, 0]))
    return np.array(numbers)


@pytest.mark.parametrize('rate', ['24', '25', '30', '60', '15', '24000/1001', '30000/1001'])
def test_frames_at_30_per_second_are_those_of_ffmpeg(checkpoint, rate):
    av = pytest.importorskip('av')
    rate = Fraction(rate)
    count = int(4 * rate)
    expected = frames_of_ffmpeg(av, rate, count)
    extractor = build(checkpoint)
    extractor.places = np.arange(60)  # every frame of a clip, instead of 32 of them
    times = extractor.timestamps(4.0)
    starts = np.round(np.arange(count) / float(rate) * 90000) / 90000
    shown = np.searchsorted(starts, times.reshape(-1)[: len(expected)] + 0.5 / 90000, side='right') - 1
    assert len(expected) > 115
    np.testing.assert_array_equal(shown, expected)


def test_what_the_network_gets(checkpoint, monkeypatch):
    extractor = build(checkpoint)
    frames = torch.arange(32, dtype=torch.uint8)[None, :, None, None, None].repeat(1, 1, 3, 4, 4)
    frames[:, :, 0] += 100  # red
    seen = {}  # compared up to rounding: 0.45 is subtracted in single precision
    monkeypatch.setattr(extractor.network, 'features', lambda slow, fast: seen.update(slow=slow, fast=fast))
    extractor(frames)
    red = (np.arange(100, 132) / 255 - 0.45) / 0.225
    blue = (np.arange(32) / 255 - 0.45) / 0.225
    assert seen['fast'].shape == (1, 3, 32, 4, 4) and seen['slow'].shape == (1, 3, 8, 4, 4)
    np.testing.assert_allclose(seen['fast'][0, 0, :, 1, 2], red, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen['fast'][0, 2, :, 3, 0], blue, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen['slow'][0, 0, :, 1, 2], red[[0, 4, 8, 13, 17, 22, 26, 31]], rtol=1e-5, atol=1e-6)


def test_frames_are_resized_to_the_shorter_side_and_cropped_in_the_middle(checkpoint):
    frame = np.zeros((64, 128, 3), np.uint8)
    frame[:, 32:96, 1] = 200
    prepared = build(checkpoint).prepare(frame)
    assert prepared.shape == (3, 64, 64) and prepared.dtype == torch.uint8
    assert prepared[1].eq(200).all() and prepared[0].eq(0).all()
    assert build(checkpoint).prepare(np.zeros((200, 100, 3), np.uint8)).shape == (3, 64, 64)


def test_features_do_not_depend_on_the_batch(checkpoint, weights):
    extractor = build(checkpoint)
    assert not extractor.network.training and not any(p.requires_grad for p in extractor.parameters())
    clips = torch.randint(0, 256, (2, 32, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    both = extractor(clips)
    assert both.shape == (2, extractor.dim) == (2, 288) and both.dtype == torch.float32
    torch.testing.assert_close(extractor(clips[1:]), both[1:], rtol=1e-4, atol=1e-5)
    assert (both[0] - both[1]).abs().max() > 1e-3
    assert torch.equal(extractor.network.s1.pathway0_stem.conv.weight, weights['s1.pathway0_stem.conv.weight'])


def test_wrong_arguments_and_checkpoints_are_told(checkpoint, tmp_path, weights):
    with pytest.raises(ValueError, match=r'clip_len is 0\.99, expected a multiple of 1/30 s'):
        build(checkpoint, clip_len=0.99)
    with pytest.raises(ValueError, match='source_fps is 0'):
        build(checkpoint, source_fps=0)
    torch.save({'model_state': {k: v for k, v in weights.items() if not k.startswith('s1_fuse')}}, tmp_path / 'a.pyth')
    with pytest.raises(ValueError, match=r'a\.pyth: these are not weights of SlowFast: .*5 are missing .*s1_fuse'):
        build(tmp_path / 'a.pyth')
    with pytest.raises(FileNotFoundError, match='no such file'):
        build(tmp_path / 'none.pyth')


def convert(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['caffe2_slowfast.py', *map(str, arguments)])
    runpy.run_path('tools/model_converters/caffe2_slowfast.py', run_name='__main__')


def test_the_pickle_of_the_model_zoo_is_refused_and_converted(
    checkpoint, tmp_path, weights, monkeypatch, capsys, repo_dir
):
    from ..test_networks.test_slowfast import caffe2_blobs

    monkeypatch.chdir(repo_dir)
    source, target = tmp_path / 'SLOWFAST.pkl', tmp_path / 'out.pth'
    source.write_bytes(pickle.dumps({'blobs': caffe2_blobs(weights)}, protocol=2))
    with pytest.raises(UnsafeCheckpointError, match=r'plain pickle, as Caffe2 .*caffe2_slowfast\.py .*SLOWFAST\.pkl'):
        build(source)
    convert(monkeypatch, source, target, '--width', 8, '--depths', 1, 1, 1, 1, '--num-classes', 3)
    clips = torch.randint(0, 256, (1, 32, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(build(target)(clips), build(checkpoint)(clips))
    with pytest.raises(SystemExit):
        convert(monkeypatch, source, tmp_path / 'other.pth', '--depths', 1, 1, 1, 1, '--num-classes', 3)
    message = capsys.readouterr().err
    assert 'SLOWFAST.pkl: these are not weights of SlowFast: ' in message
    assert '191 have another shape (s1.pathway0_stem.conv.weight (8,' in message
    assert not (tmp_path / 'other.pth').exists()


def test_the_extractor_is_the_published_one_by_default():
    from unittest.mock import patch

    module = 'mmvmr.features.extractors.slowfast'
    with torch.device('meta'), patch(f'{module}.load_weights'), patch(f'{module}._read_weights'):
        extractor = SlowFastExtractor('published.pyth')
    assert extractor.dim == 2304 and extractor.frames_per_clip == 32 and extractor.clip_len == 2
    assert (extractor.frame_format.resize, extractor.frame_format.crop) == (224, 224)
