"""Time and peak memory of answering about long videos, each in a separate process."""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmvmr.apis.benchmark import random_tokens
from mmvmr.apis.finder import MomentFinder
from mmvmr.utils.io import read_json
from mmvmr.utils.timing import run_child, step_seconds


def long_video(
    finder: MomentFinder, clips: int, sentences: int, rounds: int, arguments: Sequence[str]
) -> tuple[float, float]:
    """Answer sentences about a long video in another process.

    Args:
        finder: Says what features there are.
        clips: Length of the video; its features are written to a temporary folder first.
        sentences: Number of sentences.
        rounds: How often they are answered.
        arguments: Options of ``mmvmr benchmark long`` that choose the model.

    Returns:
        Seconds of the fastest round, of processor time on a CPU; and peak memory in MB, with the interpreter, its
        libraries and the parts of the feature file that are in memory.
    """
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for stream in finder.spec.streams:
            path = Path(folder) / f'{stream.name}.npy'
            file = np.lib.format.open_memmap(path, 'w+', np.float32, (clips, stream.dim))
            for start in range(0, clips, 1000):
                shape = file[start : start + 1000].shape
                file[start : start + 1000] = rng.standard_normal(shape, dtype=np.float32)
            file.flush()
        report = Path(folder) / 'figures.json'
        sizes = ['--sentences', str(sentences), '--rounds', str(rounds)]
        run_child(['benchmark', 'long', *arguments, *sizes, '--answer', folder, '--out', str(report)])
        figures = read_json(report)
        return figures['seconds'], figures['peak_mb']


def answer_folder(finder: MomentFinder, folder: Path, sentences: int, rounds: int) -> dict[str, float]:
    """Answer sentences about the feature files of :func:`long_video`.

    Args:
        finder: The finder.
        folder: The folder.
        sentences: Number of sentences.
        rounds: How often they are answered.

    Returns:
        ``seconds`` of the fastest round, and ``peak_mb``, the peak memory of this process.
    """
    streams = {s.name: np.load(folder / f'{s.name}.npy', mmap_mode='r') for s in finder.spec.streams}
    video, tokens = finder.encode_features(streams), random_tokens(finder, sentences)
    seconds = [
        step_seconds(lambda: finder.answer(video, ['x'] * sentences, tokens), finder.device) for _ in range(rounds)
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {'seconds': min(seconds), 'peak_mb': peak / (1e6 if sys.platform == 'darwin' else 1e3)}
