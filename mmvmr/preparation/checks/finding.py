"""Issues that checks find, as data: the tool prints them, the hook logs them, tests compare them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmvmr.utils import check_choice

ERROR, WARNING, NOTE = 'error', 'warning', 'note'
#: Every check by name, for messages and for options that leave some out.
CHECKS = {
    'open': 'the data set cannot be opened',
    'annotations': 'rows that the reader refuses',
    'labels': 'rows that training cannot use, labels outside their scale',
    'rated_clips': 'rated clips outside of the video or of the moments',
    'leakage': 'videos in two splits',
    'duplicates': 'a sentence twice for one video',
    'durations': 'a video with several durations',
    'whole_video': 'moments that leave no clip outside',
    'units': 'windows in fractions of the video instead of seconds',
    'windows': 'windows that a row has twice, or that overlap',
    'past_end': 'windows outside of the video',
    'augmentations': 'samples that a training transform can act on',
    'past_clips': 'windows after the clips that are used or there',
    'missing': 'features that are absent',
    'extra': 'features of no annotation',
    'clashes': 'sentences that share a feature file',
    'unreadable': 'features that cannot be read',
    'shape': 'vectors of another dimension',
    'empty': 'videos or sentences without a vector',
    'nan': 'numbers that are not finite',
    'zero': 'vectors of zeros',
    'constant': 'vectors that are all the same',
    'norms': 'streams that are not normalised',
    'unknown_words': 'words without a vector',
    'stream_lengths': 'streams of different lengths',
    'clip_len': 'clips x clip length against the duration',
}
_SHOWN = 5


@dataclass(frozen=True)
class Issue:
    """One kind of issue in one place.

    Attributes:
        check: Name in :data:`CHECKS`.
        severity: ``error`` (training stops, or its figures mean nothing), ``warning`` (probably not meant) or ``note``.
        where: Split and, for features, stream.
        text: What was found.
        advice: What to do about it.
        count: How many there are.
        total: How many were looked at; None where that says nothing.
        examples: The first few of them.
    """

    check: str
    severity: str
    where: str
    text: str
    advice: str
    count: int
    total: int | None = None
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice(self, 'check', self.check, CHECKS)

    def __str__(self) -> str:
        count = str(self.count) if self.total is None else f'{self.count} of {self.total}'
        more = ', ...' if self.count > len(self.examples) else ''
        shown = f' ({"; ".join(self.examples)}{more})' if self.examples else ''
        return f'{self.where}: {self.check}: {count} {self.text}{shown}. {self.advice}'.rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain values."""
        return {**dataclasses.asdict(self), 'examples': list(self.examples)}


@dataclass(frozen=True)
class Skipped:
    """A check that could not be made.

    Attributes:
        check: Name in :data:`CHECKS`.
        where: Split and, for features, stream.
        reason: Why.
    """

    check: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f'{self.where}: {self.check}: {self.reason}'

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain values."""
        return dataclasses.asdict(self)


Results = list[Issue | Skipped]


def found(
    check: str,
    severity: str,
    where: str,
    offenders: Sequence[object],
    text: str,
    advice: str,
    total: int | None = None,
) -> list[Issue]:
    """A list of the finding about some offenders, the first few as examples; empty where there is none.

    The other arguments are those of :class:`Issue`.
    """
    if not offenders:
        return []
    examples = tuple(str(offender) for offender in offenders[:_SHOWN])
    return [Issue(check, severity, where, text, advice, len(offenders), total, examples)]
