"""Many videos in several processes: each builds its networks once and takes one video after the other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mmvmr.features.decoding import VideoReader
from mmvmr.features.folder import FeatureFolder
from mmvmr.features.pipeline import extract_video
from mmvmr.features.spec import ExtractionSpec

# What a file can do wrong; anything else is a mistake in a config or here, and ends the run.
FILE_ERRORS = (OSError, ValueError, MemoryError)


class SetupError(Exception):
    """The networks cannot be built: no video can be extracted."""


@dataclass(frozen=True)
class Settings:
    """Settings of the extraction processes.

    Attributes:
        out: Folder of the features.
        spec: What is extracted.
        dtype: See :class:`FeatureFolder`.
        damaged: See :class:`VideoReader`.
        devices: Where the networks are; the processes take them in turn.
        jobs: Number of processes; 1 works in this one.
    """

    out: Path
    spec: ExtractionSpec
    dtype: str = 'float16'
    damaged: str = 'error'
    devices: tuple[str, ...] = ('cpu',)
    jobs: int = 1


@dataclass(frozen=True)
class Task:
    """A video and the streams that it lacks."""

    vid: str
    path: Path
    streams: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a task.

    Attributes:
        task: The task.
        error: Why there are no features; None for success.
        faults: Packets that were damaged and left out.
        clips: Stream name to number of clips.
    """

    task: Task
    error: str | None = None
    faults: int = 0
    clips: Mapping[str, int] = field(default_factory=dict)


class Worker:
    """Extracts videos, with networks that are built for the first one.

    Args:
        settings: How to work.
        device: Where the networks are.
        threads: Threads for decoding and networks; 0 leaves it to them.
    """

    def __init__(self, settings: Settings, device: str, threads: int = 0) -> None:
        self.settings, self.device, self.threads = settings, device, threads
        self.folder = FeatureFolder(settings.out, settings.spec, settings.dtype)
        self._extractors: dict[str, Any] = {}

    def _extractor(self, name: str) -> Any:
        if name not in self._extractors:
            try:
                self._extractors[name] = self.settings.spec.build(name).to(self.device)
            except (ImportError, OSError, RuntimeError, ValueError) as error:
                raise SetupError(str(error)) from error
        return self._extractors[name]

    def __call__(self, task: Task) -> Outcome:
        """Extract and write the streams of a video.

        Args:
            task: The video.

        Returns:
            What became of it.

        Raises:
            SetupError: If the networks cannot be built.
        """
        extractors = {name: self._extractor(name) for name in task.streams}
        reader = None
        try:
            reader = VideoReader(task.path, self.settings.damaged, self.threads)
            vectors = extract_video(reader, extractors, self.device)
            for name, array in vectors.items():
                self.folder.write(name, task.vid, array)
        except FILE_ERRORS as error:
            return Outcome(task, _message(task, error), reader.faults if reader else 0)
        return Outcome(task, faults=reader.faults, clips={name: len(array) for name, array in vectors.items()})


def _message(task: Task, error: BaseException) -> str:
    text = ' '.join(str(error).split()) or type(error).__name__
    return text if str(task.path) in text else f'{task.path}: {text}'


def run_tasks(tasks: Iterable[Task], settings: Settings) -> Iterator[Outcome]:
    """Extract videos.

    Args:
        tasks: The videos.
        settings: How to work.

    Yields:
        What became of them, as they are done.

    Raises:
        SetupError: If the networks cannot be built.
        RuntimeError: If a process dies.
    """
    if settings.jobs == 1:
        worker = Worker(settings, settings.devices[0])
        yield from map(worker, tasks)
        return
    context = multiprocessing.get_context('spawn')  # a fork would share CUDA and the threads of the decoder
    arguments = (settings, context.Value('i', 0))
    with ProcessPoolExecutor(settings.jobs, context, initializer=_start, initargs=arguments) as pool:
        yield from _spread(pool, iter(tasks), settings.jobs)


def _spread(pool: ProcessPoolExecutor, tasks: Iterator[Task], jobs: int) -> Iterator[Outcome]:
    """Keep every process busy, and know at any time which videos are being worked on."""
    running: dict[Future[Outcome], Task] = {}
    try:
        while True:
            while len(running) < jobs and (task := next(tasks, None)) is not None:
                running[pool.submit(_work, task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                outcome = future.result()
                del running[future]
                yield outcome
    except BrokenProcessPool:
        names = ', '.join(str(task.path) for task in running.values())
        raise RuntimeError(
            f'a process died without a word (out of memory, or a decoder that crashed) while these were worked on: '
            f'{names}. What is done stays done: run again, with fewer --jobs or without the file'
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: Worker | None = None


def _start(settings: Settings, counter: Any) -> None:
    """First thing in a process."""
    global _worker
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    threads = max(1, (os.cpu_count() or 1) // settings.jobs)
    torch.set_num_threads(threads)
    _worker = Worker(settings, settings.devices[number % len(settings.devices)], threads)


def _work(task: Task) -> Outcome:
    assert _worker is not None
    return _worker(task)
