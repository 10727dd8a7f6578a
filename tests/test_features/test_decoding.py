"""Frames by timestamps, read back from the pixels; damaged files."""

import itertools

import numpy as np
import pytest

from mmvmr.features.decoding import VideoError, VideoReader
from mmvmr.features.sound import cut_windows

from .painted import blank_packets, number_of, write_sound, write_video

pytest.importorskip('av')
CONSTANT = np.arange(100) / 25
VARIABLE = np.array([0, 0.1, 0.15, 1.0, 1.033, 2.5, 2.51, 4.0])
SOUND = (np.arange(28000) % 30000).astype(np.int16)  # 3.5 s at 8 kHz, each sample its own number


@pytest.fixture(scope='module')
def constant(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp('video') / 'constant.mp4', CONSTANT, 4.0)


def seen(reader, times):
    """Number of the frame that every time gets."""
    numbers = np.full(len(times), -1)
    for first, last, frame in reader.frames(np.asarray(times, dtype=float)):
        assert (numbers[first:last] == -1).all()
        assert frame.dtype == np.uint8
        numbers[first:last] = number_of(frame)
    return numbers.tolist()


def shown(starts, times):
    """The last frame that starts at or before each time; the first before all."""
    return np.maximum(np.searchsorted(starts, np.asarray(times) + 1e-9, side='right') - 1, 0).tolist()


def test_constant_rate(constant):
    reader = VideoReader(constant)
    assert reader.duration == pytest.approx(4.0)
    times = [-1, 0, 0.039, 0.04, 0.0405, 1, 1.999, 2, 3.959, 3.96, 3.999, 9]
    assert seen(reader, times) == shown(CONSTANT, times)
    assert seen(reader, CONSTANT) == list(range(100))  # a time that is the start of a frame means that frame
    assert reader.issues == 0


def test_times_that_are_rounded_to_the_ticks_of_a_file(tmp_path):
    starts = np.arange(30) / 30  # 0.0333 s is stored as 33 ms: the frame starts before or behind its time
    path = write_video(tmp_path / 'ticks.mkv', np.round(starts, 3), 1.0)
    assert seen(VideoReader(path), starts) == list(range(30))


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_variable_rate(tmp_path, suffix):
    path = write_video(tmp_path / f'variable.{suffix}', VARIABLE, 5.0)
    reader = VideoReader(path)
    assert reader.duration == pytest.approx(5.0)
    times = [0, 0.099, 0.1, 0.149, 0.15, 0.9, 1, 1.032, 1.033, 2.499, 2.5, 2.509, 2.51, 3.99, 4, 4.9]
    assert seen(reader, times) == shown(VARIABLE, times)


@pytest.mark.parametrize('rotation', [90, 180, -90])
def test_rotated_frames_are_upright(tmp_path, rotation):
    path = write_video(tmp_path / 'rotated.mp4', CONSTANT[:10], 0.4, rotation=rotation)
    assert seen(VideoReader(path), [0, 0.2]) == [0, 5]  # number_of reads upright frames only


def test_time_0_is_the_start_of_the_file(tmp_path):
    path = write_video(tmp_path / 'late.mkv', CONSTANT[:50] + 1, 3.0)
    reader = VideoReader(path)
    assert reader.duration == pytest.approx(2.0)
    assert seen(reader, [0, 0.04, 1.96]) == [0, 1, 49]


def test_only_the_wanted_frames_are_held(constant, monkeypatch):
    decoded = []
    inner = VideoReader._decoded
    monkeypatch.setattr(
        VideoReader, '_decoded', lambda *args: (decoded.append(frame.pts) or frame for frame in inner(*args))
    )
    frames = VideoReader(constant).frames(np.array([0.0, 2.0, 2.1]))
    next(frames)
    assert len(decoded) == 2  # the frame itself, and the one that ends it
    next(frames)
    assert len(decoded) == 52
    next(frames)
    assert next(frames, None) is None
    assert len(decoded) < 60  # nothing behind the last time is decoded


def test_damaged_packets(tmp_path, constant):
    path = blank_packets(tmp_path / 'damaged.mp4', constant, range(31, 34))
    with pytest.raises(VideoError, match=r'damaged\.mp4: a packet after 1\.20 s cannot be decoded .*--keep-damaged'):
        seen(VideoReader(path), CONSTANT)
    reader = VideoReader(path, damaged='keep')
    assert seen(reader, CONSTANT[:34]) == [*range(31), 30, 30, 30]  # the last good frame stays
    assert seen(reader, CONSTANT)[40:] == list(range(40, 100))  # from the next key frame on all is well
    assert reader.issues == 6  # three each time
    with pytest.raises(ValueError, match="damaged='maybe' is unknown"):
        VideoReader(path, damaged='maybe')


def test_truncated_files(tmp_path, constant):
    whole = write_video(tmp_path / 'whole.mkv', CONSTANT, 4.0)
    cut = {'cut.mkv': whole, 'cut.mp4': constant}
    for name, source in cut.items():
        data = source.read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoError, match=r'cut\.mkv: the frames end at 1\.\d+ s, .* lasts 4\.00 s; it is truncated'):
        VideoReader(tmp_path / 'cut.mkv')
    with pytest.raises(VideoError, match=r'cut\.mp4: cannot be opened as a video .* truncated'):
        VideoReader(tmp_path / 'cut.mp4')


def test_mp4_that_ends_before_its_header_says(tmp_path, constant):
    """The index lies in front (streaming): such a file opens, and its frames just end."""
    import av

    front = tmp_path / 'front.mp4'
    with av.open(str(constant)) as source, av.open(str(front), 'w', options={'movflags': 'faststart'}) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    assert seen(VideoReader(front), [3.9]) == [97]
    front.write_bytes(front.read_bytes()[: front.stat().st_size * 2 // 3])
    with pytest.raises(VideoError, match=r'front\.mp4: .*(truncated|cannot be)'):
        seen(VideoReader(front), CONSTANT)


def test_files_that_are_no_videos(tmp_path):
    (tmp_path / 'text.mp4').write_text('no video at all')
    (tmp_path / 'empty.mp4').touch()
    for name in ('text.mp4', 'empty.mp4'):
        with pytest.raises(VideoError, match=f'{name}: cannot be opened as a video'):
            VideoReader(tmp_path / name)
    write_sound(tmp_path / 'sound.mka', SOUND)
    with pytest.raises(VideoError, match='holds no video stream, only: audio'):
        VideoReader(tmp_path / 'sound.mka')
    with pytest.raises(FileNotFoundError, match='no such video file'):
        VideoReader(tmp_path / 'absent.mp4')


def test_sound(tmp_path):
    reader = VideoReader(write_video(tmp_path / 'sound.mkv', CONSTANT[:50], 2.0, samples=SOUND))
    assert reader.duration == pytest.approx(2.0)  # the sound track is longer
    pieces = [np.rint(piece * 32768).astype(int) for piece in reader.sound([-0.5, 0, 0.25, 3], 8000, 8000)]
    silence = [0] * 4000
    assert pieces[0].tolist() == [*silence, *SOUND[:4000]]
    assert pieces[1].tolist() == SOUND[:8000].tolist()
    assert pieces[2].tolist() == SOUND[2000:10000].tolist()
    assert pieces[3].tolist() == [*SOUND[24000:28000], *silence]


def test_sound_at_another_rate(tmp_path):
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 8000)).astype(np.int16)
    reader = VideoReader(write_video(tmp_path / 'tone.mkv', CONSTANT[:50], 2.0, samples=tone))
    (piece,) = reader.sound([0.5], 16000, 16000)
    assert piece.shape == (16000,)
    spectrum = np.abs(np.fft.rfft(piece))
    assert spectrum.argmax() == 440  # one second: bins are Hz
    assert np.abs(piece).max() == pytest.approx(8000 / 32768, rel=0.02)


def test_no_sound(constant):
    with pytest.raises(VideoError, match='holds no sound track'):
        list(VideoReader(constant).sound([0], 100, 8000))


def test_windows_of_pieces():
    draw = np.random.default_rng(0)
    samples = draw.random(1000).astype(np.float32) + 1
    for _ in range(20):
        cuts = np.unique(draw.integers(0, 1000, 12))
        pieces = [(int(a) + 37, samples[a:b]) for a, b in itertools.pairwise([0, *cuts.tolist(), 1000])]
        starts = np.sort(draw.integers(-60, 1100, 15)).tolist()
        padded = np.concatenate((np.zeros(200), np.zeros(37), samples, np.zeros(300)))
        for start, window in zip(starts, cut_windows(pieces, starts, 70), strict=True):
            np.testing.assert_array_equal(window, padded[start + 200 : start + 270].astype(np.float32))


def test_pieces_with_a_gap_and_an_overlap():
    ones = np.ones(10, np.float32)
    pieces = [(0, ones), (12, 2 * ones), (40, 3 * ones), (45, 4 * ones)]
    (window,) = cut_windows(pieces, [0], 65, slack=3)
    # 12 is within the slack of 10; 40 is a gap of 20; 45 would overlap, so it follows at 50
    assert window.tolist() == [1] * 10 + [2] * 10 + [0] * 20 + [3] * 10 + [4] * 10 + [0] * 5


def test_real_video(shared_dir):
    """Charades video at one frame per second: as many as the published features have, each the one shown then."""
    path = shared_dir / 'data' / 'samples' / 'videos' / 'Y1HGC.mp4'
    features = shared_dir / 'data' / 'charades_clip' / 'features' / 'clip_b32_1fps' / 'Y1HGC.npz'
    if not path.is_file() or not features.is_file():
        pytest.skip('the sample video is absent')
    import av

    from mmvmr.features import clip_count

    reader = VideoReader(path)
    count = clip_count(reader.duration, 1.0)
    with np.load(features) as published:
        assert count == len(published['features']) == 31
    assert clip_count(reader.duration, 2.0) == 16
    times = np.arange(count, dtype=float)
    with av.open(str(path)) as container:
        starts = [frame.time for frame in container.decode(video=0)]
    wanted = dict.fromkeys(shown(np.array(starts), times))
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format='rgb24') for i, f in enumerate(container.decode(video=0)) if i in wanted]
    found = list(reader.frames(times))
    assert [(first, last) for first, last, _ in found] == [(i, i + 1) for i in range(count)]
    for (_, _, frame), expected in zip(found, frames, strict=True):
        np.testing.assert_array_equal(frame, expected)
