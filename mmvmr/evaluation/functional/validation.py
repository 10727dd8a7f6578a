"""Checks of predictions and annotations before anything is scored.

Every error says which entry of which file (counted from 1), which query, what was found, what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

from mmvmr.evaluation.functional.columns import converted, numbers_of, ratings_of, windows_of
from mmvmr.evaluation.functional.label_validation import (
    check_labels,
    check_ratings,
    check_same_annotators,
    has_labels,
    has_ratings,
)
from mmvmr.evaluation.functional.padding import Ragged
from mmvmr.evaluation.functional.values import InputError, Row, check_number, shape_is, shown_value
from mmvmr.utils.row_keys import ANNOTATION_KEYS, first_misnamed
from mmvmr.utils.sentences import plain_sentence

WINDOWS_KEY = 'pred_relevant_windows'
SALIENCY_KEY = 'pred_saliency_scores'
EXIST_KEY = 'pred_exist_score'


def _check_windows(windows: Any, where: str, key: str, width: int) -> None:
    form = '[start, end, score]' if width == 3 else '[start, end]'
    if not isinstance(windows, (list, tuple)):
        raise InputError(f'{where}: {key} is {shown_value(windows)}, expected a list of {form} in seconds')
    if not windows:
        return
    if not shape_is(windows, width):
        for i, window in enumerate(windows):
            if not isinstance(window, (list, tuple)) or len(window) != width:
                raise InputError(f'{where}: {key}[{i}] is {shown_value(window)}, expected {form} in seconds')
            for value, part in zip(window, ('start', 'end', 'score')):
                check_number(value, where, f'{part} of {key}[{i}]')
    for i, window in enumerate(windows):
        if window[1] < window[0]:
            raise InputError(f'{where}: {key}[{i}] ends before it starts ({window[0]} > {window[1]})')


def _check_lengths(windows: Any, where: str) -> None:
    """Refuse ground truth without length: no prediction meets it, and NA-VMR writes it for "no moment"."""
    for i, (start, end) in enumerate(windows):
        if end <= start:
            raise InputError(
                f'{where}: relevant_windows[{i}] is [{start}, {end}], a moment without length; a query without a '
                'moment has relevant_windows [] (NA-VMR files: python tools/dataset_converters/na_vmr.py), which '
                '--protocol gmr scores'
            )


def _check_saliency(scores: Any, where: str) -> None:
    if not isinstance(scores, (list, tuple)) or not scores:
        raise InputError(f'{where}: {SALIENCY_KEY} is {shown_value(scores)}, expected a list with one number per clip')
    if not shape_is([scores], len(scores)):
        for i, value in enumerate(scores):
            check_number(value, where, f'{SALIENCY_KEY}[{i}]')


def _check_existence(score: Any, where: str) -> None:
    check_number(score, where, EXIST_KEY)
    if not 0 <= score <= 1:
        raise InputError(f'{where}: {EXIST_KEY} is {shown_value(score)}, expected a probability between 0 and 1')


def _index_by_qid(rows: Sequence[Row], source: str) -> dict[Any, int]:
    index: dict[Any, int] = {}
    texts: dict[str, int] = {}
    for i, row in enumerate(rows):
        qid = row.get('qid')
        if isinstance(qid, bool) or not isinstance(qid, (int, str)):
            raise InputError(f'{source} entry {i + 1}: qid is {shown_value(qid)}, expected a whole number or a string')
        if qid in index:
            raise InputError(
                f'{source} entry {i + 1}: qid {qid!r} occurs twice (first as entry {index[qid] + 1}); '
                'every query has one entry'
            )
        if (first := texts.setdefault(str(qid), i)) != i:
            raise InputError(
                f'{source} entry {i + 1}: qid {qid!r} is also in entry {first + 1}, as {rows[first]["qid"]!r}; '
                'write all qids as numbers or all as text'
            )
        index[qid] = i
    return index


def _unknown(qid: Any, where: str, index: Mapping[Any, int], reference: str) -> InputError:
    other = next((key for key in index if str(key) == str(qid)), None)
    if other is not None:
        hint = f'It has {other!r}: write qids as {type(other).__name__}, as the annotations do.'
    else:
        hint = 'Are these the predictions of another split?'
    return InputError(f'{where}: this qid is not in {reference}. {hint}')


def _check_key_names(rows: Sequence[Row], source: str, keys: tuple[str, ...]) -> None:
    if misnamed := first_misnamed(rows, keys):
        place, key, meant = misnamed
        qid = rows[place]['qid']
        raise InputError(
            f'{source} entry {place + 1} (qid {qid!r}): nothing reads the key {key!r}; did you mean {meant}?'
        )


def check_queries(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    source: str,
    reference: str,
    keys: tuple[str, ...],
    subset: bool = False,
) -> dict[Any, int]:
    """Check that predictions answer the queries of the annotations, each once and all with the same keys.

    Args:
        predictions: Rows of a prediction file.
        annotations: Ground-truth rows.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.
        keys: What the rows predict; each is in all rows or in none.
        subset: Accept predictions for some of the queries only.

    Returns:
        Qid to its place in the annotations.

    Raises:
        InputError: On an unknown, missing or repeated qid, another sentence under a qid, a misspelt key, or a key
            that only some rows have.
    """
    if not predictions:
        raise InputError(f'{source}: empty, expected one entry per query')
    predicted, index = _index_by_qid(predictions, source), _index_by_qid(annotations, reference)
    _check_key_names(predictions, source, ('vid', *keys))
    for key in keys:
        having = [row.get(key) is not None for row in predictions]
        if any(having) and not all(having):
            lacking = having.index(False)
            raise InputError(
                f'{source} entry {lacking + 1} (qid {predictions[lacking]["qid"]!r}): {key} is missing, but '
                f'{sum(having)} of {len(predictions)} entries have it; give it everywhere or nowhere'
            )
    for qid, i in predicted.items():
        if qid not in index:
            raise _unknown(qid, f'{source} entry {i + 1} (qid {qid!r})', index, reference)
        answered, asked = predictions[i].get('query'), annotations[index[qid]].get('query')
        if None not in (answered, asked) and plain_sentence(answered) != plain_sentence(asked):
            raise InputError(
                f'{source} entry {i + 1} (qid {qid!r}): query is {shown_value(answered)}, but {reference} has '
                f'{shown_value(asked)} for this qid: are these the predictions of another data set, or was the '
                'sentence corrected after them?'
            )
    missing = [qid for qid in index if qid not in predicted]
    if missing and not subset:
        raise InputError(
            f'{source}: no prediction for {len(missing)} of {len(index)} queries of {reference} '
            f'(first: {shown_value(missing[:5])}); every query needs one entry'
        )
    return index


def check_annotations(
    annotations: Sequence[Row], clip_len: float | None = 2.0, source: str = 'annotations'
) -> dict[str, Ragged]:
    """Check ground truth: qids, windows, and highlight ratings where present.

    Args:
        annotations: Rows of an annotation file. Rows without ``relevant_windows`` (a hidden test split) are fine.
        clip_len: Seconds per clip of the ratings; None where they are not scored, and then not looked at.
        source: Name of the file, for messages.

    Returns:
        Keys to their values in all rows, as far as the check has converted them on its way; none where a row lacks the
        key.

    Raises:
        InputError: If a row cannot be used, has a moment without length, or a misspelt key that nothing reads.
    """
    if not annotations:
        raise InputError(f'{source}: empty, expected one entry per query')
    _index_by_qid(annotations, source)
    _check_key_names(annotations, source, ANNOTATION_KEYS)
    windowed = [row.get('relevant_windows') is not None for row in annotations]
    rated = [clip_len is not None and has_ratings(row) for row in annotations]
    windows = windows_of([row['relevant_windows'] for row in compress(annotations, windowed)], 2)
    empty = windows is None or bool((windows.entries[:, 1] <= windows.entries[:, 0]).any())
    ratings = None if clip_len is None else ratings_of([*compress(annotations, rated)], clip_len)
    for i, row in enumerate(annotations):
        where = f'{source} entry {i + 1} (qid {row["qid"]!r})'
        if row.get('relevant_windows') is not None and windows is None:
            _check_windows(row['relevant_windows'], where, 'relevant_windows', 2)
        if empty:
            _check_lengths(row.get('relevant_windows') or (), where)
        if clip_len is not None and ratings is None and has_ratings(row):
            check_ratings(row, where, clip_len)
        if has_labels(row):
            check_labels(row['label'], where)
    check_same_annotators(annotations, source, 'label', has_labels)
    if clip_len is not None:
        check_same_annotators(annotations, source, 'saliency_scores', has_ratings)
    return converted(relevant_windows=(windows, windowed), saliency_scores=(ratings, rated))


def check_predictions(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    source: str = 'predictions',
    reference: str = 'the annotations',
    subset: bool = False,
) -> dict[str, Ragged]:
    """Check predictions against the queries they should answer.

    Args:
        predictions: Rows with ``qid``, ``pred_relevant_windows`` (``[start, end, score]`` in seconds) and/or
            ``pred_saliency_scores`` (one number per clip); also ``pred_exist_score``, the probability that the video
            has such a moment.
        annotations: Ground-truth rows.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.
        subset: Accept predictions for some of the queries only.

    Returns:
        Keys to their values in all predictions, as far as the check has converted them on its way.

    Raises:
        InputError: On an unknown, missing or duplicate qid, a value that is not a finite number, a window that is not
            a triple or ends before it starts.
    """
    keys = (WINDOWS_KEY, SALIENCY_KEY, EXIST_KEY)
    index = check_queries(predictions, annotations, source, reference, keys, subset)
    if all(predictions[0].get(key) is None for key in (WINDOWS_KEY, SALIENCY_KEY)):
        hint = '; for answers from a collection: --protocol corpus' if 'pred_corpus_moments' in predictions[0] else ''
        raise InputError(f'{source} entry 1: neither {WINDOWS_KEY} nor {SALIENCY_KEY} found, nothing to score{hint}')
    windows = windows_of([row[WINDOWS_KEY] for row in predictions if row.get(WINDOWS_KEY) is not None], 3)
    saliency = numbers_of([row[SALIENCY_KEY] for row in predictions if row.get(SALIENCY_KEY) is not None])
    for i, row in enumerate(predictions):
        where = f'{source} entry {i + 1} (qid {row["qid"]!r})'
        theirs = annotations[index[row['qid']]].get('vid')
        if theirs is not None and row.get('vid') is not None and str(row['vid']) != str(theirs):
            raise InputError(
                f'{where}: vid is {shown_value(row["vid"])}, but {reference} has {shown_value(theirs)} for this qid: '
                'are these the predictions of another data set?'
            )
        if row.get(WINDOWS_KEY) is not None and windows is None:
            _check_windows(row[WINDOWS_KEY], where, WINDOWS_KEY, 3)
        if row.get(SALIENCY_KEY) is not None and saliency is None:
            _check_saliency(row[SALIENCY_KEY], where)
        if row.get(EXIST_KEY) is not None:
            _check_existence(row[EXIST_KEY], where)
    everywhere = [True] * len(predictions)
    return converted(**{WINDOWS_KEY: (windows, everywhere), SALIENCY_KEY: (saliency, everywhere)})
