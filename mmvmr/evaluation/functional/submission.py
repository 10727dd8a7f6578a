"""Checks of a file before it goes to the QVHighlights leaderboard, stricter than what local scoring needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmvmr.evaluation.functional.protocols import get_protocol
from mmvmr.evaluation.functional.validation import SALIENCY_KEY, WINDOWS_KEY, check_predictions
from mmvmr.evaluation.functional.values import InputError, Row

FILE_NAMES = ('hl_val_submission.jsonl', 'hl_test_submission.jsonl')


def check_submission(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    source: str = 'predictions',
    reference: str = 'the annotations',
) -> list[str]:
    """Check that the official evaluator will take a file and count everything in it.

    Args:
        predictions: Rows of the file.
        annotations: Rows of the official annotation file of the split; ground truth is not needed.
        source: Name of the file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        Remarks on what is allowed and probably not meant, each about all entries that it concerns.

    Raises:
        InputError: If the evaluator would stop or score something else: a missing or unknown qid, a query without a
            moment, a wrong number of clip scores, a ``vid`` or ``query`` of another annotation.
    """
    check_predictions(predictions, annotations, source, reference)
    truth = {row['qid']: row for row in annotations}
    for i, row in enumerate(predictions):
        where = f'{source} entry {i + 1} (qid {row["qid"]!r})'
        for key in ('query', 'vid'):
            if row.get(key) != truth[row['qid']].get(key):
                raise InputError(
                    f'{where}: {key} is {row.get(key)!r}, but {reference} has {truth[row["qid"]].get(key)!r}'
                )
        _check_entry(row, truth[row['qid']], where)
    return _remarks(predictions, truth)


def _check_entry(row: Row, truth: Row, where: str) -> None:
    for key in (WINDOWS_KEY, SALIENCY_KEY):
        if row.get(key) is None:
            raise InputError(f'{where}: {key} is missing; a submission needs moments and clip scores')
    if not row[WINDOWS_KEY]:
        raise InputError(f'{where}: {WINDOWS_KEY} is empty, which the official evaluator does not survive; give one')
    clips = int(truth['duration'] / get_protocol('qvhighlights').clip_len)
    if len(row[SALIENCY_KEY]) > clips:
        raise InputError(
            f'{where}: {len(row[SALIENCY_KEY])} clip scores for a video of {clips} clips; the evaluator drops the rest'
        )


def _remarks(predictions: Sequence[Row], truth: dict[Any, Row]) -> list[str]:
    protocol = get_protocol('qvhighlights')
    remarks: dict[str, list[Any]] = {
        f'more than {protocol.max_predictions} moments: those after them do not count': [],
        'moments that are not sorted by score: R1 takes the first, mAP the best': [],
        'moments outside of the video': [],
        'moments without length': [],
        'fewer clip scores than clips: the evaluator takes 0 for the others': [],
        'scores that are all equal': [],
    }
    for row in predictions:
        windows, duration = row[WINDOWS_KEY], truth[row['qid']]['duration']
        scores = [window[2] for window in windows]
        saliency = row[SALIENCY_KEY]
        issues = (
            len(windows) > protocol.max_predictions,
            scores != sorted(scores, reverse=True),
            any(start < 0 or end > duration for start, end, _ in windows),
            any(end <= start for start, end, _ in windows),
            len(saliency) < int(duration / protocol.clip_len),
            len(saliency) > 1 and len(set(saliency)) == 1,
        )
        for qids, issue in zip(remarks.values(), issues):
            if issue:
                qids.append(row['qid'])
    return [f'{len(qids)} entries: {text} (first: qid {qids[0]!r})' for text, qids in remarks.items() if qids]
