"""Agreement between annotation rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmvmr.datasets.schema import Issue


class Agreement:
    """Agreement between the rows of one file: every qid once, and one duration per video."""

    def __init__(self) -> None:
        self._qids: dict[str, str] = {}
        self._durations: dict[str, tuple[float, str]] = {}

    def issues(self, row: Mapping[str, Any], where: str) -> list[Issue]:
        """Conflicts between a valid row and earlier rows; ``where`` names the row in later messages.

        The numbers 1 and "1" are the same qid: features are stored by its text. Durations may differ by a tenth and two
        seconds, because annotations are rounded differently.
        """
        issues = []
        if (other := self._qids.setdefault(str(row['qid']), where)) is not where:
            issues.append(Issue('qid', f'is {row["qid"]!r}, as at {other}', 'give every sentence a different one'))
        duration, other = self._durations.setdefault(str(row['vid']), (row['duration'], where))
        if abs(row['duration'] - duration) > 0.1 * duration + 2:
            problem = f'is {row["duration"]} s, but {duration} s at {other} for the same video {row["vid"]!r}'
            issues.append(Issue('duration', problem, 'write the length of the video into all its rows'))
        return issues
