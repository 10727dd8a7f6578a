"""Frames reach the clips that want them, once, whatever the batches are."""

import numpy as np
import pytest
import torch

from mmvmr.features.decoding import VideoError, VideoReader
from mmvmr.features.pipeline import extract_video, run_network

from .painted import write_video
from .toys import LoudnessExtractor, NumberExtractor

pytest.importorskip('av')
SAMPLES = np.arange(20000, dtype=np.int16)  # 2.5 s


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """2.5 s at 20 frames per second."""
    path = tmp_path_factory.mktemp('video') / 'v.mkv'
    return write_video(path, np.arange(50) / 20, 2.5, samples=SAMPLES)


def test_all_streams_in_one_pass(video, monkeypatch):
    passes = []
    inner = VideoReader.frames
    monkeypatch.setattr(VideoReader, 'frames', lambda *args: passes.append(1) or inner(*args))
    extractors = {
        'start': NumberExtractor(clip_len=1.0),
        'middle': NumberExtractor(clip_len=1.0, position=0.5, rounding='round'),
        'many': NumberExtractor(clip_len=0.5, frames_per_clip=5),
        'sound': LoudnessExtractor(clip_len=1.0),
    }
    found = extract_video(VideoReader(video), extractors)
    assert list(found) == list(extractors)
    assert found['start'].tolist() == [[0], [20], [40]]
    assert found['middle'].tolist() == [[10], [30], [49]]  # 2.5 s is the end: the last frame
    np.testing.assert_array_equal(found['many'], np.arange(25).reshape(5, 5) * 2 + 1)
    ends = [(0, 7999), (8000, 15999), (16000, 0)]  # the last clip is longer than the sound
    np.testing.assert_allclose(found['sound'] * 32768, ends)
    assert len(passes) == 1
    assert all(array.dtype == np.float32 for array in found.values())


@pytest.mark.parametrize('batch_clips', [1, 3, 32])
def test_clips_that_overlap(video, batch_clips):
    extractor = NumberExtractor(clip_len=0.5, frames_per_clip=4, window=2.0, batch_clips=batch_clips)
    found = extract_video(VideoReader(video), {'x': extractor})['x']
    times = np.maximum(extractor.timestamps(2.5), 0)
    assert (np.diff(times) <= 0).all()  # backwards inside a clip
    np.testing.assert_array_equal(found, np.minimum(np.floor(times * 20 + 1e-6), 49))
    assert sum(extractor.batches) == 5
    assert max(extractor.batches) == min(batch_clips, 5)


def test_a_frame_is_prepared_once(video):
    extractor = NumberExtractor(clip_len=0.01)  # 250 clips of 50 frames
    found = extract_video(VideoReader(video), {'x': extractor})['x']
    assert extractor.prepared == 50
    np.testing.assert_array_equal(found[:, 0], np.repeat(np.arange(50), 5))


def test_no_sound_is_an_error(tmp_path):
    path = write_video(tmp_path / 'silent.mp4', np.arange(10) / 10, 1.0)
    with pytest.raises(VideoError, match='holds no sound track'):
        extract_video(VideoReader(path), {'x': LoudnessExtractor(clip_len=1.0)})


def test_what_extractors_do_wrong(video):
    extractor = NumberExtractor(clip_len=1.0)
    extractor.dim = 3
    with pytest.raises(ValueError, match=r'NumberExtractor made an array \(4, 1\), expected \(4, 3\)'):
        run_network(extractor, torch.ones(4, 1, 1, 1, 1), 'cpu')
    extractor.dim = 1
    with pytest.raises(ValueError, match='NumberExtractor made vectors with NaN'):
        run_network(extractor, torch.full((4, 1, 1, 1, 1), torch.nan), 'cpu')
    extractor.timestamps = lambda duration: np.zeros(4)
    with pytest.raises(ValueError, match=r'timestamps\(2.5\) has the shape \(4,\), expected \(clips'):
        extract_video(VideoReader(video), {'x': extractor})
