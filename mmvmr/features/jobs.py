"""Many videos in several processes: each builds its networks once and takes one video after the other."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from mmvmr.features.decoding import VideoReader
from mmvmr.features.pipeline import extract_video
from mmvmr.features.spec import ExtractionSpec
from mmvmr.utils.errors import is_full_disk
from mmvmr.utils.progress import silence

# What a file can do wrong; anything else is a mistake in a config or here, and ends the run.
FILE_ERRORS = (OSError, ValueError, MemoryError)


#: Processes that may die one after the other, before it is taken for more than a bad file.
_DEATHS = 3


class SetupError(Exception):
    """No video can be extracted: the networks cannot be built, or the disk is full."""


class Store(Protocol):
    """Keeps the features of videos; it is sent to the processes that extract."""

    spec: ExtractionSpec

    def find(self, task: Task) -> Mapping[str, Any] | None:
        """Facts about features that are there already, for :attr:`Outcome.facts`; None where there are none."""

    def put(self, task: Task, streams: Mapping[str, np.ndarray], duration: float) -> Mapping[str, Any]:
        """Write the streams (clips, dim) of a video, completely or not at all; returns facts about them."""


@dataclass(frozen=True)
class Settings:
    """Settings of the extraction processes.

    Attributes:
        store: Receives the features, and says what is extracted.
        damaged: See :class:`VideoReader`.
        devices: Where the networks are; the processes take them in turn.
        jobs: Number of processes; 1 works in this one.
    """

    store: Store
    damaged: str = 'error'
    devices: tuple[str, ...] = ('cpu',)
    jobs: int = 1


_GUARD = "videos are encoded by new processes, which run the script up to `if __name__ == '__main__':`; call below it"


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
        issues: Packets that were damaged and left out.
        facts: What the store says about the features.
    """

    task: Task
    error: str | None = None
    issues: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


class Worker:
    """Extracts videos, with networks that are built for the first one.

    Args:
        settings: How to work.
        device: Where the networks are.
        threads: Threads for decoding and networks; 0 leaves it to them.
    """

    def __init__(self, settings: Settings, device: str, threads: int = 0) -> None:
        self.settings, self.device, self.threads = settings, device, threads
        self._extractors: dict[str, Any] = {}

    def _extractor(self, name: str) -> Any:
        if name not in self._extractors:
            try:
                self._extractors[name] = self.settings.store.spec.build(name).to(self.device)
            except (ImportError, OSError, RuntimeError, ValueError) as error:
                raise SetupError(str(error)) from error
        return self._extractors[name]

    def __call__(self, task: Task) -> Outcome:
        """Extract and write the streams of a video.

        Returns:
            What became of it.

        Raises:
            SetupError: If the networks cannot be built.
        """
        reader, store = None, self.settings.store
        try:
            if (facts := store.find(task)) is not None:
                return Outcome(task, facts=facts)
            extractors = {name: self._extractor(name) for name in task.streams}
            reader = VideoReader(task.path, self.settings.damaged, self.threads)
            facts = store.put(task, extract_video(reader, extractors, self.device), reader.duration)
        except FILE_ERRORS as error:
            if is_full_disk(error):
                raise SetupError(f'no space left for the features of {task.path}; free some and run again') from None
            return Outcome(task, _message(task, error), reader.issues if reader else 0)
        return Outcome(task, issues=reader.issues, facts=facts)


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
        SetupError: If the networks cannot be built, or the disk is full.
        RuntimeError: If process after process dies.
        SystemExit: In a process that runs the script of the user again.
    """
    if getattr(multiprocessing.current_process(), '_inheriting', False):  # as multiprocessing itself finds out
        sys.exit(f'error: {_GUARD}')
    if settings.jobs == 1:
        worker = Worker(settings, settings.devices[0])
        yield from map(worker, tasks)
        return
    waiting, running, deaths = iter(tasks), list[Task](), 0
    while True:
        try:
            yield from _spread(waiting, settings, running)
            return
        except BrokenProcessPool:  # nobody knows by which of them: each is tried with its own process
            suspects = list(running)
        for task in suspects:
            try:
                yield from _spread(iter([task]), dataclasses.replace(settings, jobs=1), running)
                deaths = 0
            except BrokenProcessPool:
                deaths += 1
                message = (
                    f'{task.path}: its process died without an error message (out of memory, or a decoder that crashed)'
                )
                if deaths == _DEATHS:
                    raise RuntimeError(
                        f'{message}, and so did the {_DEATHS - 1} before it. What is done stays done: run again with '
                        f'fewer jobs. In a script of your own: {_GUARD}'
                    ) from None
                yield Outcome(task, message)


def _spread(tasks: Iterator[Task], settings: Settings, running: list[Task]) -> Iterator[Outcome]:
    """Keep every process busy; ``running`` are the tasks that are being worked on at any time."""
    context = multiprocessing.get_context('spawn')  # a fork would share CUDA and the threads of the decoder
    pool = ProcessPoolExecutor(settings.jobs, context, initializer=_start, initargs=(settings, context.Value('i', 0)))
    futures: dict[Future[Outcome], Task] = {}
    running.clear()
    try:
        while True:
            while len(futures) < settings.jobs and (task := next(tasks, None)) is not None:
                running.append(task)
                futures[pool.submit(_work, task)] = task
            if not futures:
                return
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                outcome = future.result()
                running.remove(futures.pop(future))
                yield outcome
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
    silence()
    _worker = Worker(settings, settings.devices[number % len(settings.devices)], threads)


def _work(task: Task) -> Outcome:
    assert _worker is not None
    return _worker(task)
