"""Rows that know where they come from, and everything that is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmvmr.datasets.agreement import Agreement
from mmvmr.datasets.schema import DEFAULT_RULES, Issue, Rules, row_issues

#: Field of an issue for which there is no row: the line could not be read.
UNREADABLE = 'line'


@dataclass
class LocatedRow:
    """A row and its origin.

    Args:
        where: ``train.csv:7`` or ``train.json: video 'v_1', sentence 3``.
        row: As in :class:`mmvmr.datasets.schema.AnnotationRow`.
        issues: What was wrong with the source already; the row lacks these fields.
        windows_at: Where each window comes from, if not from ``where``.
        names: Field to what the source calls it.
        unknown: Fields that the row lacks for a reason that ``issues`` gives under the name of the source.
    """

    where: str
    row: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)
    windows_at: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def place(self, issue: Issue) -> tuple[str, str]:
        """Place in the source where an issue can be fixed, and the name of the field there."""
        top, _, position = issue.field.partition('[')
        number = position.partition(']')[0]
        if top == 'relevant_windows' and self.windows_at and number.isdigit():
            return self.windows_at[int(number)], self.names.get(top, top)
        return self.where, self.names.get(top, top) + issue.field[len(top) :]

    def told(self, issue: Issue) -> str:
        """An issue in one line: ``where: field problem; fix``."""
        where, name = self.place(issue)
        return f'{where}: {name} {issue.problem}; {issue.fix}'


def issues_of(located: LocatedRow, rules: Rules = DEFAULT_RULES) -> list[Issue]:
    """Issues of one row, without a look at the others: of the source, then of the schema in other fields."""
    if any(issue.field == UNREADABLE for issue in located.issues):
        return located.issues
    reported = {issue.field.partition('[')[0] for issue in located.issues} | located.unknown
    issues = row_issues(located.row, rules)
    return located.issues + [issue for issue in issues if issue.field.partition('[')[0] not in reported]


def find_issues(rows: Sequence[LocatedRow], rules: Rules = DEFAULT_RULES) -> list[str]:
    """Everything that keeps rows from being an annotation file: one line per issue, in order of the rows."""
    lines: list[str] = []
    agreement = Agreement()
    for located in rows:
        issues = issues_of(located, rules)
        lines += [located.told(issue) for issue in issues or agreement.issues(located.row, located.where)]
    return lines


@dataclass(frozen=True)
class Repeat:
    """A row that says again what an earlier one said.

    Args:
        index: Of the row.
        earlier: Of the row before it.
        same: Whether the moments and ratings agree; otherwise the two contradict each other.
    """

    index: int
    earlier: int
    same: bool


def find_repeats(rows: Sequence[LocatedRow]) -> Iterator[Repeat]:
    """Rows with the sentence and the video of an earlier one; those that could not be read whole are passed over.

    Args:
        rows: The rows of one file.

    Yields:
        The repeats, in order.
    """
    seen: dict[tuple[str, str], dict[str, int]] = {}
    for index, located in enumerate(rows):
        query, vid = located.row.get('query'), located.row.get('vid')
        if not isinstance(query, str) or vid is None or located.issues:
            continue
        content = {key: value for key, value in located.row.items() if key != 'qid'}
        text = json.dumps(content, sort_keys=True, default=str)
        others = seen.setdefault((str(vid), ' '.join(query.lower().split())), {})
        if others:
            yield Repeat(index, others.get(text, next(iter(others.values()))), text in others)
        others.setdefault(text, index)
