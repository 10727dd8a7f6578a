"""Answers to the sentences asked about one video."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmvmr.apis.exports import export_answers


@dataclass(frozen=True)
class Moment:
    """A time span of a video that a sentence describes.

    Attributes:
        start: Start in seconds of the file.
        end: End in seconds of the file.
        score: Score by which the moments of a sentence are ranked, at most 1 for most models; not a probability. Scores
            of different videos or models are not comparable.
    """

    start: float
    end: float
    score: float

    @property
    def length(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Answer:
    """The moments of one sentence.

    Attributes:
        query: The sentence.
        moments: Best first.
        times: Start and end of every clip in seconds (clips, 2).
        raw_saliency: Highlight score of every clip as the model gives it (clips,); None for models without.
        truth: True (start, end) windows in seconds, where they are known.
        probability: Probability that the video shows what the sentence describes at all, from models with an existence
            head; None for others. For a video in windows: that of the most probable one.
        absent: Whether the model says that it does not: ``probability`` is not above its threshold. ``moments`` are
            then where it would be most likely.
    """

    query: str
    moments: tuple[Moment, ...]
    times: np.ndarray
    raw_saliency: np.ndarray | None = None
    truth: tuple[tuple[float, float], ...] = ()
    probability: float | None = None
    absent: bool = False

    @property
    def saliency(self) -> np.ndarray | None:
        """Highlight score of every clip, scaled to [0, 1] within this answer: 0 is the lowest clip, 1 the highest.

        It ranks the clips of this video under this sentence. It is not a probability, and 1 does not mean that the
        sentence is shown at all. A constant curve becomes zeros.
        """
        if self.raw_saliency is None:
            return None
        low, high = float(self.raw_saliency.min()), float(self.raw_saliency.max())
        spread = high - low
        return (self.raw_saliency - low) / spread if spread > 0 else np.zeros_like(self.raw_saliency)


@dataclass(frozen=True)
class Answers(Sequence[Answer]):
    """Answers of a model for one video, one per sentence.

    Attributes:
        name: Name of the video.
        duration: Length of the video in seconds.
        items: The answers, in the order of the sentences.
        path: The video file; None where only features are known.
        notes: What a reader should know, e.g. that the video was cut into windows.
        model: Short description of the model.
    """

    name: str
    duration: float
    items: tuple[Answer, ...]
    path: Path | None = None
    notes: tuple[str, ...] = field(default=())
    model: str = ''

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]  # an answer, or a tuple for a slice
        return self.items[index]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.items)

    def export(
        self, folder: str | os.PathLike[str], formats: Sequence[str] = ('jsonl',), top: int | None = None
    ) -> list[Path]:
        """Write the answers to files.

        Args:
            folder: Folder for the files; created where it is absent.
            formats: Any of ``jsonl`` (the published form of predictions), ``csv``, ``srt``, ``vtt``, ``edl``,
                ``chapters`` and ``clips`` (one video file per moment).
            top: Use only the best moments of every sentence.

        Returns:
            The files that were written.

        Raises:
            ValueError: If a format is unknown, or ``clips`` is asked for without a video file.
            OSError: If a file cannot be written; files are complete or absent.
        """
        return export_answers(self, Path(folder), formats, top)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML page with the video, its moments and its saliency curves; it needs no server and no network.

        Args:
            path: The HTML file.

        Returns:
            The same path.
        """
        from mmvmr.report import write_answer_report  # a page is not needed to answer

        return write_answer_report(self, Path(path))
