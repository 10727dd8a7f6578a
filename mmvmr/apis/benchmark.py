"""Speed of answering, with features at hand."""

from __future__ import annotations

import copy
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.apis.finder import EncodedVideo, MomentFinder
from mmvmr.apis.model_files import build_model_file
from mmvmr.apis.predictor import Predictor
from mmvmr.utils.config import read_config
from mmvmr.utils.inference_meta import inference_dataset, inference_meta
from mmvmr.utils.setup import register_inference_modules
from mmvmr.utils.timing import run_child, step_seconds

_TOKENS = 12  # of a sentence, about as many as in the usual data sets


@dataclass
class Workload:
    """Many pairs of sentence and video, answered together and one by one.

    Attributes:
        pairs: Sentences x videos.
        together: Answers all of them as the finder does.
        alone: Number of pairs that ``apart`` answers.
        apart: Answers pairs with one forward pass each, in float32, as published scripts do.
        seconds: Of every round, both ways.
        operations: Of a pair, together over apart; see :meth:`count`.
    """

    pairs: int
    together: Callable[[], None]
    alone: int
    apart: Callable[[], None]
    seconds: list[tuple[float, float]] = field(default_factory=list)
    operations: float = float('nan')

    def count(self) -> None:
        """Count the operations of both ways, which does once what is built at the first call.

        Only matrix products and convolutions count.
        """
        from mmvmr.utils.complexity import count_flops  # brings sympy, which no finder needs

        apart, together = count_flops(self.apart), count_flops(self.together)
        if apart and together:  # those of an exported model are not seen
            self.operations = together / self.pairs / (apart / self.alone)

    def rates(self) -> tuple[float, float, float]:
        """Pairs per second together and apart in the fastest round of each, and the median of the rounds' ratios."""
        ratio = statistics.median(b / self.alone / (a / self.pairs) for a, b in self.seconds)
        return (
            self.pairs / min(a for a, _ in self.seconds),
            self.alone / min(b for _, b in self.seconds),
            ratio,
        )


def take_turns(workloads: Mapping[Any, Workload], device: Any, rounds: int) -> None:
    """Time workloads in turn, so that what else runs on the machine slows all of them.

    Args:
        workloads: Name to workload; their ``seconds`` are filled.
        device: Where they run.
        rounds: Rounds.
    """
    for _ in range(rounds):
        for work in workloads.values():
            # One pair alone would be timed with cold caches, next to many: as many as are answered one by one.
            repeats = max(1, work.alone // work.pairs)
            together = sum(step_seconds(work.together, device) for _ in range(repeats)) / repeats
            work.seconds.append((together, step_seconds(work.apart, device)))


def workload(
    finder: MomentFinder,
    sentences: int,
    videos: int,
    seconds: float = 150.0,
    alone: int = 50,
    against: MomentFinder | None = None,
) -> Workload:
    """Random sentences and videos.

    Args:
        finder: The finder.
        sentences: Number of sentences.
        videos: Number of videos.
        seconds: Length of a video.
        alone: Pairs that are answered one by one.
        against: Another finder that answers these, e.g. the torch model of an exported one; None for the same.

    Returns:
        The workload.
    """
    texts, tokens, many = ['x'] * sentences, random_tokens(finder, sentences), _random_videos(finder, seconds, videos)
    published = copy.copy(finder if against is None else against)
    published.predictor = Predictor(published.file, published.device, 1, half=False)
    theirs, one_by_one = tokens, many
    if against is not None:
        theirs, one_by_one = random_tokens(against, sentences), _random_videos(against, seconds, videos)
    pairs = [(one_by_one[number % videos], theirs[number % sentences]) for number in range(alone)]

    def together() -> None:
        for _ in finder.find_all(many, *texts, tokens=tokens):
            pass

    def apart() -> None:
        for video, text in pairs:
            published.answer(video, ['x'], [text])

    return Workload(sentences * videos, together, alone, apart)


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
    entry = inference_meta(cfg.model.to_dict(), dataset.to_dict(), name=Path(name).stem)
    return MomentFinder(build_model_file(entry, None, name), **options)


def named_finder(name: str, **options: Any) -> MomentFinder:
    """A finder by the name of its model.

    Args:
        name: ``zero-shot``, a checkpoint, a file of ``mmvmr export``, or the name or file of a config.
        **options: See :class:`MomentFinder`.

    Returns:
        The finder.
    """
    if name == 'zero-shot':
        finder = MomentFinder.zero_shot(**options)
    else:
        finder = (
            MomentFinder(name, **options) if Path(name).suffix in ('.pth', '.onnx') else config_finder(name, **options)
        )
    finder.model.requires_grad_(False)  # torch cannot count operations on parameters at inference otherwise
    return finder


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


def _random_videos(finder: MomentFinder, seconds: float, videos: int) -> list[EncodedVideo]:
    encoded = [random_video(finder, seconds, number) for number in range(min(videos, 16))]
    return [encoded[number % len(encoded)] for number in range(videos)]


def random_tokens(finder: MomentFinder, sentences: int) -> list[np.ndarray]:
    """Random text features of sentences, (tokens, dim) each."""
    rng = np.random.default_rng(1)
    tokens = 1 if finder.file.text_key == 'pooler_output' else _TOKENS
    return [rng.standard_normal((tokens, finder.spec.text.dim), dtype=np.float32) for _ in range(sentences)]


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
