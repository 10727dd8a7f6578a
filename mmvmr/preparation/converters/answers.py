"""Answers of language models, sentences or JSON with time spans, made into predictions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmvmr.datasets.schema import DEFAULT_RULES, shown
from mmvmr.preparation.converters.lines import jsonl_rows

Window = tuple[float, float]

# Digits are counted: a model that repeats one for ever is read in linear time.
_UNIT = r'(?:%|percent\b|s\b|secs?\b|seconds?\b)'
_TIME = rf'((?:\bsecond\s+)?\d{{1,6}}(?::\d{{2}}){{0,2}}(?:\.\d{{1,20}})?(?![\d:]|\.\d)(?:\s*{_UNIT})?)'
_TO = r'\s*(?:[-~\u2013\u2014]|\bto\b|\buntil\b)\s*'
_END = r'["\']?[,;]?\s*(?:and\s+)?(?:it\s+)?["\']?end(?:s|ing)?(?:[_ ]?time)?["\']?\s*(?:at|is|:|=)?\s*["\']?'
_SPANS = re.compile(
    rf'\bbetween\s+{_TIME}\s*and\s+{_TIME}|[\[(]\s*{_TIME}\s*,\s*{_TIME}\s*[\])]'
    rf'|(?<![\w.])(?<!\d:){_TIME}{_END}{_TIME}|(?<![\w.-])(?<!\d:){_TIME}{_TO}{_TIME}',
    re.IGNORECASE,
)
_COUNT = r'\d{1,6}(?:\.\d{1,20})?'
#: Words after two bare numbers that leave them times; others make them a count (``5 to 10 people``).
_AFTER = r'(?:an?|the|and|or|in|on|at|of|as|for|it|he|she|they|is|are|when|where|while|which|with)\b'
#: Numbers that are not seconds, have a comma inside or come in threes, unfinished thoughts: nothing here is read.
_UNCLEAR = re.compile(
    rf'{_TIME}{_TO}{_TIME}{_TO}\d|<think>|(?<![\[(\d])\d{{1,3}},\d{{3}}(?!\d)'
    rf'|(?:{_COUNT}{_TO}|\bbetween\s+{_COUNT}\s*and\s+){_COUNT} +(?!{_UNIT}|{_AFTER})[a-z]'
    r'|\d\s*(?:ms|m|mins?|minutes?|h|hours?|frames?|clips?)\b|\bframes?\s*\d',
    re.IGNORECASE,
)
_NONE = re.compile(
    r'^\W*(?:no|none|null|n/a|not applicable)\W*$|\bno\s+(?:\w+\s+)?(?:moments?|events?|spans?|segments?|match)\b'
    r"|(?:\b(?:can)?not|n['\u2019]t|\bnever)\s+(?:\w+\s+){0,2}?"
    r'(?:present|shown?|visible|see|find|found|appear|happen|occur|exist|contain|depict|in the video)',
    re.IGNORECASE,
)


def _number(text: str) -> float | None:
    """A number, or the seconds of a clock time (``mm:ss``, ``hh:mm:ss``); None for anything else."""
    if not re.fullmatch(_TIME, text.strip(), re.IGNORECASE):
        return None
    *higher, last = (float(part) for part in re.search(r'[\d:.]+', text.strip()).group().split(':'))
    if higher and max([*higher[1:], last]) >= 60:
        return None
    return sum(value * 60**power for power, value in enumerate([last, *higher[::-1]]))


def _truncated(text: str) -> bool:
    """True if a bracket stays open; one that closes nothing is that of a list (``1) 12 to 17``)."""
    depth = 0
    for bracket in re.findall(r'[\[\](){}]', text):
        depth = depth + 1 if bracket in '[({' else max(depth - 1, 0)
    return depth > 0


def _pair(start: Any, end: Any, duration: float, percent: bool) -> Window | None:
    numbers, text = (_number(str(start)), _number(str(end))), f'{start}{end}'.lower()
    timed, marked = bool(re.search('[:s]', text)), bool(re.search('%|percent', text))
    if None in numbers or (timed and marked):
        return None
    return tuple(number * duration / 100 if marked or (percent and not timed) else number for number in numbers)


def _of_json(value: Any, duration: float, percent: bool) -> list[Window | None]:
    """Windows of a decoded answer; None stands for a part that is not a window."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        ends = {name: value.get(name, value.get(f'{name}_time')) for name in ('start', 'end')}
        if any(key.removesuffix('_time') in ends for key in value):
            return [] if set(ends.values()) == {None} else [_pair(*ends.values(), duration, percent)]
        return _of_json(next(iter(value.values())), duration, percent) if len(value) == 1 else [None] * bool(value)
    if not isinstance(value, list):
        return [None]
    if len(value) == 2 and not any(isinstance(part, (list, dict)) for part in value):
        return [_pair(*value, duration, percent)]
    return [window for part in value for window in _of_json(part, duration, percent)]


def windows_of_answer(text: str, duration: float, percent: bool = False) -> list[Window] | None:
    """Read the windows that an answer names, in its order.

    Args:
        text: The answer. What is thought aloud before ``</think>`` or ``<answer>`` is passed over.
        duration: Seconds of the video, for percentages.
        percent: Numbers without a unit are percentages of the video; those with % always are.

    Returns:
        ``(start, end)`` in seconds as the answer has them; empty for an answer that there is no such moment; None
        for one that cannot be read without guessing.
    """
    text = re.split(r'</think>|<answer>', text)[-1].partition('</answer>')[0].strip()
    fenced = re.search(r'```(?:json)?(.*?)```', text, re.DOTALL)
    try:
        windows = _of_json(json.loads(fenced[1] if fenced else text), duration, percent)
    except (RecursionError, ValueError):
        text = text.replace('**', ' ')  # bold in Markdown
        if _UNCLEAR.search(text) or _truncated(text):
            return None
        matches = (filter(None, match.groups()) for match in _SPANS.finditer(text))
        windows = [_pair(*times, duration, percent) for times in matches]
        if bool(windows) == bool(_NONE.search(text)):  # neither, or a contradiction
            return None
    else:
        if windows == [None] and _NONE.search(text):
            return []
    return None if None in windows else windows


@dataclass
class ReadAnswers:
    """Predictions, and everything to report about the answers that they were read from.

    Args:
        rows: Predictions in the form of a QVHighlights submission.
        unreadable: Lines about answers that became an empty list because they cannot be read.
        issues: Lines about all else that is wrong.
        notes: Lines about what was fixed.
        nothing: Number of answers that there is no such moment.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    nothing: int = 0


def read_answers(
    path: str | os.PathLike[str],
    annotations: Sequence[Mapping[str, Any]],
    key: str = 'answer',
    percent: bool = False,
    fix: bool = False,
) -> ReadAnswers:
    """Read a jsonl file of answers.

    Args:
        path: Rows with ``qid`` and the text of the answer. Qids agree with those of the annotations as text.
        annotations: Rows with ``qid``, ``query``, ``vid`` and ``duration`` in seconds.
        key: Key of the text.
        percent: See :func:`windows_of_answer`.
        fix: Cut windows to the video; drop those that are outside of it or end before they start.

    Returns:
        The predictions and the report. The windows of a query score 1, 1/2, 1/3, ... in the order of its answer.
    """
    queries = {str(row['qid']): row for row in annotations}
    result, lines = ReadAnswers(), {}
    for located in jsonl_rows(path):
        where, row, query = located.where, located.row, queries.get(str(located.row.get('qid')))
        qid = shown(row.get('qid'))
        if located.issues:
            result.issues += [located.told(issue) for issue in located.issues]
        elif query is None:
            result.issues.append(f'{where}: qid is {qid}, which the annotations lack; give those of the same queries')
        elif (first := lines.setdefault(str(query['qid']), where)) != where:
            result.issues.append(f'{where}: qid is {qid} as in {first}, expected one answer per query; remove one')
        elif not isinstance(row.get(key), str):
            problem = f'is {shown(row[key])}, expected text' if key in row else f'is missing, found {sorted(row)}'
            result.issues.append(f'{where}: {key} {problem}; --key names the key of the answer')
        elif not isinstance(query.get('duration'), (int, float)):
            result.issues.append(f'{where}: the annotation of qid {qid} has no duration in seconds; add it')
        else:
            _add(result, where, query, windows_of_answer(row[key], query['duration'], percent), row[key], fix)
    return result


def _add(
    result: ReadAnswers, where: str, query: Mapping[str, Any], windows: list[Window] | None, text: str, fix: bool
) -> None:
    if windows is None:
        result.unreadable.append(f'{where}: no time span can be read from {text!r}; it counts as no moment')
    result.nothing += windows == []
    windows = [window for part in windows or () for window in _within(result, where, part, query['duration'], fix)]
    scored = [[start, end, 1 / rank] for rank, (start, end) in enumerate(windows, start=1)]
    named = {name: query[name] for name in ('qid', 'query', 'vid') if name in query}
    result.rows.append({**named, 'pred_relevant_windows': scored})


def _within(result: ReadAnswers, where: str, window: Window, duration: float, fix: bool) -> Iterator[Window]:
    """The window, if it is in order or can be cut to the video; says what is wrong or was done."""
    start, end = window
    problem = f'window {list(window)} is outside the video, which lasts {duration} s'
    if end < start:
        problem = f'window {list(window)} ends before it starts'
    elif start < duration and end <= duration + DEFAULT_RULES.window_tolerance:
        yield window
        return
    if not fix:
        result.issues.append(f'{where}: {problem}; --fix cuts it to the video or drops it')
    elif start <= end and start < duration:
        result.notes.append(f'{where}: {problem}: cut')
        yield start, min(end, duration)
    else:
        result.notes.append(f'{where}: {problem}: dropped')
