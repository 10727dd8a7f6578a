"""Cuts of videos with constant and variable frame rate: the frames, their times and the sound."""

from fractions import Fraction

import numpy as np
import pytest
from test_features.painted import write_video as write_turned

from mmvmr.apis import cutting
from mmvmr.apis.cutting import cut_video

av = pytest.importorskip('av')
MS = Fraction(1, 1000)


@pytest.fixture(params=['libx264', 'mpeg4'])
def codec(request, monkeypatch):
    if request.param not in av.codecs_available:
        pytest.skip(f'this build of PyAV has no {request.param}')
    monkeypatch.setattr(cutting, '_CODECS', (request.param,))


def write_video(path, times, sound=None, rate=8000, at=0.0):
    """A frame per time in seconds, whose brightness is 8 times its number; and a sound track that starts at a time."""
    with av.open(str(path), 'w') as out:
        stream = out.add_stream('ffv1', rate=25)  # without loss
        stream.width, stream.height, stream.pix_fmt = 32, 32, 'yuv420p'
        stream.codec_context.time_base = MS
        track = None if sound is None else out.add_stream('pcm_s16le', rate=rate, layout='mono')
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 8 * number % 256, np.uint8), format='rgb24')
            frame.pts, frame.time_base = round(time * 1000), MS
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if track is not None:
            frame = av.AudioFrame.from_ndarray(sound[None].astype('<i2'), format='s16', layout='mono')
            frame.sample_rate, frame.pts, frame.time_base = rate, round(at * rate), Fraction(1, rate)
            out.mux(track.encode(frame))
            out.mux(track.encode(None))


def read_video(path):
    """Number and time of every frame, and the length in seconds of the video stream."""
    with av.open(str(path)) as reader:
        stream = reader.streams.video[0]
        frames = [(round(f.to_ndarray(format='rgb24').mean() / 8), f.time) for f in reader.decode(stream)]
        return [n for n, _ in frames], [t for _, t in frames], float(stream.duration * stream.time_base)


def sound_of(path):
    with av.open(str(path)) as reader:
        return np.concatenate([f.to_ndarray()[0] for f in reader.decode(audio=0)])


@pytest.fixture
def slow_then_fast(tmp_path):
    """Ten frames at 0, 1, ..., 9 s, then 20 at 10, 10.04, ... s: 10.8 s at an average rate of 2.8."""
    path = tmp_path / 'vfr.mkv'
    write_video(path, [*range(10), *(10 + n / 25 for n in range(20))])
    return path


@pytest.mark.parametrize(
    ('start', 'end', 'numbers', 'times'),
    [
        (0.0, 8.0, [0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6, 7]),
        (2.5, 5.25, [2, 3, 4, 5], [0, 0.5, 1.5, 2.5]),
        (3.2, 3.8, [3], [0]),  # between two frames
        (10.0, 10.2, [10, 11, 12, 13, 14], [0, 0.04, 0.08, 0.12, 0.16]),
        (8.5, 10.1, [8, 9, 10, 11, 12], [0, 0.5, 1.5, 1.54, 1.58]),
    ],
)
def test_frames_keep_their_times(codec, slow_then_fast, tmp_path, start, end, numbers, times):
    cut_video(slow_then_fast, tmp_path / 'cut.mp4', start, end)
    seen, at, length = read_video(tmp_path / 'cut.mp4')
    assert seen == numbers
    np.testing.assert_allclose(at, times, atol=1e-3)  # the source counts milliseconds
    assert length == pytest.approx(end - start, abs=1e-3)


def test_a_cut_at_a_frame_of_a_constant_rate_has_the_frames_between(codec, tmp_path):
    write_video(tmp_path / 'a.mkv', [n / 25 for n in range(30)])
    cut_video(tmp_path / 'a.mkv', tmp_path / 'cut.mp4', 0.4, 0.8)
    numbers, times, length = read_video(tmp_path / 'cut.mp4')
    assert numbers == list(range(10, 20)) and length == pytest.approx(0.4, abs=1e-4)
    np.testing.assert_allclose(times, [n / 25 for n in range(10)], atol=1e-4)


def test_a_cut_past_the_end_stops_at_the_end(codec, slow_then_fast, tmp_path):
    cut_video(slow_then_fast, tmp_path / 'cut.mp4', 10.7, 20.0)
    numbers, times, length = read_video(tmp_path / 'cut.mp4')
    assert numbers == [27, 28, 29]  # shown from 10.68, 10.72 and 10.76 s
    np.testing.assert_allclose(times, [0, 0.02, 0.06], atol=1e-3)
    assert length == pytest.approx(0.1, abs=2e-3)
    with pytest.raises(ValueError, match=r'vfr\.mkv: no frame is between 11 s and 12 s, the video ends before'):
        cut_video(slow_then_fast, tmp_path / 'none.mp4', 11, 12)
    assert not (tmp_path / 'none.mp4').exists()


def test_sound_stays_with_the_frames(tmp_path):
    # Silence, and a tone from 1.5 s to 2.5 s. The cut from 1.25 s to 2.75 s has it from 0.25 s to 1.25 s.
    time = np.arange(4 * 8000) / 8000
    tone = np.where((time >= 1.5) & (time < 2.5), 16000 * np.sin(2 * np.pi * 400 * time), 0)
    write_video(tmp_path / 'a.mkv', range(4), tone)
    cut_video(tmp_path / 'a.mkv', tmp_path / 'cut.mp4', 1.25, 2.75)
    heard = np.flatnonzero(np.abs(sound_of(tmp_path / 'cut.mp4')) > 0.25) / 8000
    assert heard[0] == pytest.approx(0.25, abs=0.01) and heard[-1] == pytest.approx(1.25, abs=0.01)


def test_sound_that_begins_late_begins_late_in_the_cut(tmp_path):
    tone = 16000 * np.sin(2 * np.pi * 400 * np.arange(2 * 8000) / 8000)
    write_video(tmp_path / 'a.mkv', range(4), tone, at=2.0)
    cut_video(tmp_path / 'a.mkv', tmp_path / 'cut.mp4', 1.0, 3.0)
    heard = np.flatnonzero(np.abs(sound_of(tmp_path / 'cut.mp4')) > 0.25) / 8000
    assert heard[0] == pytest.approx(1.0, abs=0.01) and heard[-1] == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize('rotation', [90, 180, -90])
def test_cuts_are_turned_as_their_source(tmp_path, rotation):
    """Phones store pictures lying on their side, and say how players turn them."""
    source, target = tmp_path / 'phone.mp4', tmp_path / 'cut.mp4'
    write_turned(source, np.arange(8) / 4, 2.0, rotation)
    cut_video(source, target, 0.5, 1.5)
    shown = []
    for path in (source, target):
        with av.open(str(path)) as reader:
            frame = next(reader.decode(video=0))
            shown.append(frame.rotation)
    assert shown[0] == shown[1] != 0
