"""Speed and memory of answering, with features at hand."""

from __future__ import annotations

import copy
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.apis.finder import EncodedVideo, MomentFinder
from mmvmr.apis.model_files import build_model_file
from mmvmr.apis.predictor import Predictor
from mmvmr.utils.config import read_config
from mmvmr.utils.inference_meta import inference_dataset, inference_meta
from mmvmr.utils.io import read_json
from mmvmr.utils.setup import register_inference_modules
from mmvmr.utils.timing import step_seconds

_TOKENS = 12  # of a sentence, about as many as in the usual data sets


@dataclass(frozen=True)
class Rates:
    """Speed of one workload.

    Attributes:
        together: Sentences x videos per second, as the finder answers them.
        apart: The same with one forward pass per pair in float32, as published scripts do.
        ratio: Median over the rounds of the two.
    """

    together: float
    apart: float
    ratio: float


def summarise(together: Sequence[tuple[int, float]], apart: Sequence[tuple[int, float]]) -> Rates:
    """Rates of rounds in which both ways took turns.

    Args:
        together: Pairs and seconds of every round.
        apart: The same, one forward pass per pair.

    Returns:
        Medians over the rounds.
    """
    fast, slow = ([pairs / seconds for pairs, seconds in rounds] for rounds in (together, apart))
    ratio = statistics.median(a / b for a, b in zip(fast, slow))
    return Rates(statistics.median(fast), statistics.median(slow), ratio)


def config_finder(name: str, **options: Any) -> MomentFinder:
    """A finder with the untrained model of a config.

    Args:
        name: Name or file of the config.
        **options: See :class:`MomentFinder`.

    Returns:
        The finder.

    Raises:
        ValueError: If the config has no data set with a feature specification.
    """
    register_inference_modules()
    cfg = read_config(name)
    if (dataset := inference_dataset(cfg)) is None:
        raise ValueError(f'{name}: has no data set with a feature specification; take another config')
    entry = inference_meta(cfg.model.to_dict(), dataset.to_dict(), name=name)
    return MomentFinder(build_model_file(entry, None, name), **options)


def random_video(finder: MomentFinder, seconds: float, seed: int = 0) -> EncodedVideo:
    """A video of random features.

    Args:
        finder: Says what features there are.
        seconds: Length.
        seed: Of the random numbers.

    Returns:
        The video.
    """
    rng = np.random.default_rng(seed)
    clips = max(1, round(seconds / finder.spec.clip_len))
    streams = {s.name: rng.standard_normal((clips, s.dim), dtype=np.float32) for s in finder.spec.streams}
    return finder.encode_features(streams, seconds)


def random_tokens(finder: MomentFinder, sentences: int) -> list[np.ndarray]:
    """Random text features of sentences, (tokens, dim) each."""
    rng = np.random.default_rng(1)
    tokens = 1 if finder.file.text_key == 'pooler_output' else _TOKENS
    return [rng.standard_normal((tokens, finder.spec.text.dim), dtype=np.float32) for _ in range(sentences)]


def compare_speed(
    finder: MomentFinder, sentences: int, videos: int, seconds: float = 150.0, rounds: int = 3, alone: int = 50
) -> Rates:
    """Time many pairs of sentence and video in shared passes, and one by one in float32, in turns.

    Args:
        finder: The finder.
        sentences: Number of sentences.
        videos: Number of videos.
        seconds: Length of a video.
        rounds: Rounds; what else runs on the machine slows both ways of a round.
        alone: Pairs of a round that are answered one by one.

    Returns:
        The rates.
    """
    texts, tokens = ['x'] * sentences, random_tokens(finder, sentences)
    encoded = [random_video(finder, seconds, number) for number in range(min(videos, 16))]
    many = [encoded[number % len(encoded)] for number in range(videos)]
    pairs = [(many[number % videos], tokens[number % sentences]) for number in range(alone)]

    published = copy.copy(finder)
    published.predictor = Predictor(finder.file, finder.device, 1, half=False)

    def together() -> None:
        for _ in finder.find_all(many, *texts, tokens=tokens):
            pass

    def apart() -> None:
        for video, text in pairs:
            published.answer(video, ['x'], [text])

    finder.answer(encoded[0], ['x'], tokens[:1])  # what is built at the first call
    timed: list[tuple[float, float]] = [
        (step_seconds(together, finder.device), step_seconds(apart, finder.device)) for _ in range(rounds)
    ]
    return summarise([(sentences * videos, a) for a, _ in timed], [(len(pairs), b) for _, b in timed])


def run_child(arguments: Sequence[str]) -> tuple[float, float]:
    """Run a command of mmvmr in its own process.

    Args:
        arguments: The command line after ``mmvmr``.

    Returns:
        Its processor time and its wall time in seconds.

    Raises:
        RuntimeError: If it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, '-m', 'mmvmr', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith('error: ')), done.stderr[-300:])
        raise RuntimeError(f'mmvmr {" ".join(arguments)}: {said}')
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, wall


def start_seconds(video: Path, options: Sequence[str] = ()) -> tuple[float, float]:
    """Time of ``mmvmr find`` on a video whose features are in the cache.

    Args:
        video: The video file.
        options: Further options of the command.

    Returns:
        Processor time and wall time in seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = ['find', str(video), 'a dog', '--cache-dir', folder, *options]
        run_child(arguments)
        return run_child(arguments)


def peak_memory(finder: MomentFinder, seconds: float, arguments: Sequence[str]) -> float:
    """Peak memory of a process that answers one sentence about a long video.

    Args:
        finder: Says what features there are.
        seconds: Length of the video; its features are written to a temporary folder first.
        arguments: Options of ``mmvmr benchmark find`` that choose the model.

    Returns:
        MB, with the interpreter, its libraries and the parts of the feature file that are in memory.
    """
    clips, part = round(seconds / finder.spec.clip_len), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for stream in finder.spec.streams:
            path = Path(folder) / f'{stream.name}.npy'
            file = np.lib.format.open_memmap(path, 'w+', np.float32, (clips, stream.dim))
            for start in range(0, clips, 1000):
                shape = file[start : start + 1000].shape
                file[start : start + 1000] = part.standard_normal(shape, dtype=np.float32)
            file.flush()
        report = Path(folder) / 'peak.json'
        run_child(['benchmark', 'find', *arguments, '--answer', folder, '--out', str(report)])
        return float(read_json(report)['peak_mb'])


def answer_folder(finder: MomentFinder, folder: Path) -> float:
    """Answer a sentence about the feature files of :func:`peak_memory`.

    Args:
        finder: The finder.
        folder: The folder.

    Returns:
        Peak memory of this process in MB.
    """
    streams = {s.name: np.load(folder / f'{s.name}.npy', mmap_mode='r') for s in finder.spec.streams}
    finder.answer(finder.encode_features(streams), ['x'], random_tokens(finder, 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == 'darwin' else 1e3)
