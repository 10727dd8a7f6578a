"""Annotations that were written by hand: a table or jsonl, checked and repaired as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import DEFAULT_RULES, Issue, Rules, unlabelled
from mmvmr.preparation.converters.durations import Lookup, looked_up
from mmvmr.preparation.converters.lines import jsonl_rows
from mmvmr.preparation.converters.located import LocatedRow, find_issues, find_repeats
from mmvmr.preparation.converters.repair import repair, without_issues
from mmvmr.preparation.converters.table import table_rows


@dataclass
class OwnFile:
    """A file and what was found in it.

    Args:
        path: The file.
        rows: Its rows.
        notes: What was changed, one line each.
    """

    path: Path
    rows: list[LocatedRow]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, lookup: Lookup | None = None) -> OwnFile:
        """Read a table or jsonl.

        Args:
            path: The file; ``.jsonl``, anything else is a table.
            lookup: Says how long a video is, where the file does not.

        Raises:
            ValueError: If it has no row or the table lacks a column.
        """
        if path.suffix in ('.jsonl', '.json'):
            rows = jsonl_rows(path)
            for located in rows:
                if not located.issues and located.row.get('duration') is None and located.row.get('vid') is not None:
                    duration = looked_up(str(located.row['vid']), lookup)
                    if isinstance(duration, Issue):
                        located.issues.append(duration)
                    else:
                        located.row['duration'] = duration
        else:
            rows = table_rows(path, lookup)
        if not rows:
            raise ValueError(f'{path}: no annotation in this file')
        return cls(path, rows)

    def mend(self, rules: Rules = DEFAULT_RULES) -> None:
        """Do what :func:`repair` does."""
        self.rows, notes = repair(self.rows, rules)
        self.notes += notes

    def drop(self, rules: Rules = DEFAULT_RULES) -> None:
        """Leave out rows that are wrong."""
        self.notes += [f'{line} (left out)' for line in self._unlabelled()]
        bare = {id(located) for located in (self._bare() if self._unlabelled() else ())}
        left = [located for located in self.rows if id(located) not in bare]
        self.rows, notes = without_issues(left, rules)
        self.notes += notes

    def issues(self, rules: Rules = DEFAULT_RULES) -> list[str]:
        """Everything that is wrong, one line per issue."""
        doubled = [located.told(issue) for located in self.rows for issue in _doubled_windows(located)]
        same = [
            f'{row.where}: is the same as {earlier.where}; remove one (--fix does)'
            for row, earlier in self._repeats(same=True)
        ]
        return find_issues(self.rows, rules) + self._unlabelled() + doubled + same

    def warnings(self) -> list[str]:
        """Rows that are allowed and probably not meant, one line per finding."""
        lines = [
            f'{row.where}: has video and sentence of {earlier.where} and other moments; if both are true, write them '
            'into one row'
            for row, earlier in self._repeats(same=False)
        ]
        if not self._unlabelled() and (bare := self._bare()):
            lines.append(f'{bare[0].where}: no row is labelled; such rows can be predicted, neither trained nor scored')
        return lines

    def _bare(self) -> list[LocatedRow]:
        rows = [located for located in self.rows if not located.issues and not located.unknown]
        return [located for located in rows if unlabelled(located.row)]

    def _unlabelled(self) -> list[str]:
        """Rows without a label among others that have one, or in a file of training."""
        bare = self._bare()
        if len(bare) == len(self.rows) and not self.path.stem.lower().startswith('train'):
            return []
        fix = 'write its moment ([] in jsonl: nothing in the video is described), or leave the row out (--drop does)'
        return [
            located.told(Issue('relevant_windows', 'is missing, training refuses such a row', fix)) for located in bare
        ]

    def _repeats(self, same: bool) -> list[tuple[LocatedRow, LocatedRow]]:
        repeats = find_repeats(self.rows)
        return [(self.rows[repeat.index], self.rows[repeat.earlier]) for repeat in repeats if repeat.same is same]


def _doubled_windows(located: LocatedRow) -> Iterator[Issue]:
    windows = located.row.get('relevant_windows')
    for number, window in enumerate(windows if isinstance(windows, list) else ()):
        if window in windows[:number]:
            problem = f'is {window}, which the row has already'
            yield Issue(f'relevant_windows[{number}]', problem, 'remove one (--fix does)')


def shared_qids(files: Sequence[OwnFile]) -> list[str]:
    """Sentences of different files with one name, a line each: the features of one would be read for the other."""
    first: dict[Any, LocatedRow] = {}
    lines = []
    for file in files:
        here = {}
        for located in file.rows:
            qid = located.row.get('qid')
            other = first.get(qid) if isinstance(qid, (int, str)) else None
            if other is not None and other.row.get('query') != located.row.get('query'):
                problem = f'is {qid!r}, as of another sentence at {other.where}'
                fix = 'features of sentences are stored by qid: number on, or put a name before the number'
                lines.append(located.told(Issue('qid', problem, fix)))
            here[qid] = located
        first = {**here, **first}
    return lines
