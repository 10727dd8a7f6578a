"""Small videos whose frames carry their number in the pixels, so that it can be read back after any compression."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

BITS, BLOCK = 10, 8
WIDTH, HEIGHT = BITS * BLOCK, 32


def painted(number):
    """A frame (HEIGHT, WIDTH, 3): bits of the number in its upper half, grey below."""
    frame = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for bit in range(BITS):
        frame[: HEIGHT // 2, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return frame


def number_of(frame):
    """The number in a frame (H, W, 3); the frame must be upright."""
    assert frame.shape == (HEIGHT, WIDTH, 3), frame.shape
    centres = frame[4:12, BLOCK // 2 :: BLOCK].mean(axis=(0, 2))
    assert np.abs(centres - 127).min() > 60, centres
    assert np.abs(frame[20:28].mean() - 128) < 20
    return sum(int(value > 127) << bit for bit, value in enumerate(centres))


def write_video(path, times, end, rotation=0, samples=None, rate=8000, codec='mpeg4'):
    """Write frames 0, 1, ... that are shown from ``times`` (seconds, multiples of a millisecond) until ``end``.

    ``rotation``: degrees, counterclockwise, by which a player turns the stored frames; they are painted so that what
    it shows is upright. ``samples``: mono sound (N,), int16.
    """
    import av

    ticks = np.rint(np.append(times, end) * 1000).astype(int)
    with av.open(str(path), 'w') as container:
        turned = [np.rot90(painted(number), -rotation // 90) for number in range(len(times))]
        video = container.add_stream(codec, rate=1000)
        video.height, video.width = turned[0].shape[:2]
        video.pix_fmt = 'yuv420p'
        video.bit_rate = 8_000_000
        video.codec_context.gop_size = 10
        if rotation:
            video.set_display_rotation(rotation)
        audio = container.add_stream('pcm_s16le', rate=rate, layout='mono') if samples is not None else None
        for number, array in enumerate(turned):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format='rgb24')
            frame.pts, frame.time_base = int(ticks[number]), Fraction(1, 1000)
            _mux(container, video.encode(frame), ticks)
        _mux(container, video.encode(None), ticks)
        if audio is not None:
            _write_sound(container, audio, samples, rate)
    return path


def _mux(container, packets, ticks):
    following = dict(zip(ticks[:-1].tolist(), ticks[1:].tolist()))
    for packet in packets:
        packet.duration = following[packet.pts] - packet.pts  # encoders do not know how long a frame stays
        container.mux(packet)


def _write_sound(container, stream, samples, rate):
    import av

    for first in range(0, len(samples), 1000):
        piece = av.AudioFrame.from_ndarray(samples[None, first : first + 1000], format='s16', layout='mono')
        piece.sample_rate, piece.pts, piece.time_base = rate, first, Fraction(1, rate)
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def write_sound(path, samples, rate=8000):
    """Write a file without video."""
    import av

    with av.open(str(path), 'w') as container:
        _write_sound(container, container.add_stream('pcm_s16le', rate=rate, layout='mono'), samples, rate)
    return path


def blank_packets(path, source, numbers):
    """Copy a video, with the contents of some packets overwritten by zeros."""
    import av

    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        for number, packet in enumerate(container.demux(container.streams.video[0])):
            if number in numbers:
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    return path
