"""Checks of only the annotation rows: quick for any data set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from mmvmr.preparation.checks.finding import ERROR, NOTE, WARNING, Issue, found
from mmvmr.preparation.checks.label_checks import rated_clips, unusable_labels
from mmvmr.preparation.checks.split import Row, Split
from mmvmr.preparation.checks.window_checks import doubled_windows, fractions, past_clips, past_end, shown_windows
from mmvmr.structures import source_video
from mmvmr.utils.sentences import plain_sentence

__all__ = ['augmentations', 'check_annotations', 'covered', 'leakage', 'unusable_labels']

Windows = Sequence[Sequence[float]]
#: An augmentation that acts on a smaller share of the samples changes next to nothing.
SCARCE = 0.05
#: A trial on fewer samples says little about the data set.
FEW = 50


def check_annotations(split: Split) -> list[Issue]:
    """All checks of the rows of a split."""
    checks = (
        duplicate_queries,
        several_durations,
        fractions,
        doubled_windows,
        whole_video,
        past_end,
        past_clips,
        rated_clips,
        augmentations,
    )
    return [finding for check in checks for finding in check(split)]


def leakage(splits: Sequence[Split]) -> list[Issue]:
    """Videos that are in two splits.

    Args:
        splits: Splits that have to be apart: ``train`` from all others is an error, two others a warning. Parts of one
            source video (``<video>_<start>_<end>``) in two splits are a warning.

    Returns:
        What was found.
    """
    findings: list[Issue] = []
    for one, other in combinations(splits, 2):
        if one.kind == other.kind:
            continue  # parts of one split
        where, videos = f'{one.name} and {other.name}', other.videos()
        severity = ERROR if 'train' in (one.kind, other.kind) else WARNING
        shared = [vid for vid in one.videos() if vid in videos]
        queries = {(row['vid'], plain_sentence(row['query'])) for row in one.rows}
        same = sum((row['vid'], plain_sentence(row['query'])) in queries for row in other.rows)
        findings += found(
            'leakage',
            severity,
            where,
            shared,
            f'videos of {other.name} are in {one.name} too, with {same} sentences word for word',
            f'Remove them from one of the two files: figures on {other.name} would not say how new videos are answered',
            len(videos),
        )
        sources = {source_video(vid) for vid in one.videos()}
        parts = [vid for vid in videos if vid not in shared and source_video(vid) in sources]
        findings += found(
            'leakage',
            WARNING,
            where,
            parts,
            f'videos of {other.name} are parts of a source video that has other parts in {one.name}',
            'Split by source video if the parts look the same',
            len(videos),
        )
    return findings


def augmentations(split: Split) -> list[Issue]:
    """One finding per transform with ``applicable``: how many samples it can act on; none of many is an error."""
    findings: list[Issue] = []
    for name, transform in split.augment.items() if split.spec is not None else ():
        count, total = sum(transform.applicable(split.rows, split.clip_len)), len(split.rows)
        text = f'samples can be changed by {type(transform).__name__} (pipeline.augment.{name})'
        severity, effect = NOTE, ''
        if count < SCARCE * total:
            severity = WARNING if count or total < FEW else ERROR
            effect = 'next to nothing' if count else 'nothing'
        advice = f'It does {effect} here: see its options and the data it needs, or leave it out' if effect else ''
        findings.append(Issue('augmentations', severity, split.name, text, advice, count, total))
    return findings


def duplicate_queries(split: Split) -> list[Issue]:
    """Sentences that a video has twice: repeated rows, and sentences with different moments."""
    first: dict[tuple[Any, str], Row] = {}
    repeated, ambiguous = [], []
    for row in split.rows:
        other = first.setdefault((row['vid'], plain_sentence(row['query'])), row)
        if other is row:
            continue
        line = f'qids {other["qid"]} and {row["qid"]}: {str(row["query"])[:60]!r}'
        same = (row.get('relevant_windows') or []) == (other.get('relevant_windows') or [])
        (repeated if same else ambiguous).append(line)
    common = ('duplicates', WARNING, split.name)
    return [
        *found(
            *common,
            repeated,
            'rows repeat an earlier row: same video, sentence and moments',
            'Remove them: they count twice in training and in figures',
            len(split.rows),
        ),
        *found(
            *common,
            ambiguous,
            'rows ask an earlier sentence of the same video again, with other moments',
            'Join their moments in one row, or make the sentences tell them apart: no answer is right for both',
            len(split.rows),
        ),
    ]


def several_durations(split: Split) -> list[Issue]:
    """Videos whose rows disagree about how long they are."""
    videos = split.videos()
    odd: dict[Any, Any] = {}
    for row in split.rows:
        if row['duration'] != videos[row['vid']]['duration']:
            odd.setdefault(row['vid'], row['duration'])
    lines = [f'{vid!r}: {videos[vid]["duration"]} s and {other} s' for vid, other in odd.items()]
    text = 'videos have rows with different durations'
    return found(
        'durations', WARNING, split.name, lines, text, 'Write the length of the file into all rows', len(videos)
    )


def covered(windows: Windows, duration: float) -> float:
    """Seconds of a video inside any of the windows (seconds), cut to its duration."""
    total, reached = 0.0, 0.0
    for start, end in sorted(windows):
        start, end = max(start, reached), min(end, duration)
        if end > start:
            total, reached = total + end - start, end
    return total


def whole_video(split: Split) -> list[Issue]:
    """Rows whose moments leave less than half a clip outside."""
    rows = [row for row in split.rows if row.get('relevant_windows')]
    whole = [
        shown_windows(row, row['relevant_windows'])
        for row in rows
        if row['duration'] - covered(row['relevant_windows'], row['duration']) <= split.clip_len / 2
    ]
    return found(
        'whole_video',
        WARNING,
        split.name,
        whole,
        'rows have moments that cover the whole video',
        'They teach nothing about where to look, and losses find no clip outside; '
        "annotations=dict(whole='drop') leaves out those with a single moment",
        len(rows),
    )
