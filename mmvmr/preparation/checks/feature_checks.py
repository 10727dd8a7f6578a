"""Checks of features: a walk over the videos and sentences of a split, or over some of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mmvmr.datasets.stores.joined_store import JoinedStore
from mmvmr.datasets.stores.packed_store import PackedStore
from mmvmr.datasets.stores.token_store import TokenIdStore
from mmvmr.datasets.stores.word_vectors import WordVectorStore
from mmvmr.preparation.checks.finding import ERROR, WARNING, Results, Skipped, found
from mmvmr.preparation.checks.split import Row, Split
from mmvmr.preparation.checks.stream_audit import StreamAudit
from mmvmr.preparation.checks.window_checks import shown_windows
from mmvmr.structures.feature_spec import StreamSpec

Progress = Callable[[Iterable[Any], str], Iterable[Any]]
_SLACK = 2  # clips; extractors round at the end of a video


def spread(rows: Sequence[Row], count: int | None) -> list[Row]:
    """``count`` rows at equal distances, in order; all for None."""
    if count is None or count >= len(rows):
        return list(rows)
    return [rows[i * len(rows) // count] for i in range(count)]


def check_features(split: Split, count: int | None = None, progress: Progress | None = None) -> Results:
    """Read features and look at them.

    Args:
        split: The split.
        count: Videos and sentences that are read, at equal distances; None for all.
        progress: Wraps an iterable and its name, e.g. to draw a bar.

    Returns:
        What was found, and what could not be looked at.
    """
    if split.spec is None or not split.stores:
        return [Skipped('unreadable', split.name, 'the data set declares no features')]
    videos = spread(list(split.videos().values()), count)
    sentences = spread(split.rows, count)
    if progress is not None:
        videos, sentences = progress(videos, f'{split.name}: videos'), progress(sentences, f'{split.name}: sentences')
    return [*_VideoWalk(split)(videos), *check_text(split, sentences)]


def _ready(store: Any, stream: StreamSpec) -> bool:
    """True if the store or the specification says that stored vectors are normalised."""
    return stream.normalise == 'l2' and bool(getattr(store, 'normalised', False) or stream.stored_normalised)


def _audit(split: Split, stream: StreamSpec, words: bool = False) -> StreamAudit:
    return StreamAudit(
        f'{split.name}, stream {stream.name!r}', stream, _ready(split.stores[stream.name], stream), words
    )


def _read(store: Any, row: Row) -> tuple[Any, list[int]]:
    """The array of a row and the lengths of the parts that it is made of."""
    if isinstance(store, JoinedStore):
        parts = [np.asarray(part.read(row), dtype=np.float32) for part in store.parts]
        length = min(map(len, parts))
        return np.concatenate([part[:length] for part in parts], axis=-1), [len(part) for part in parts]
    array = store.read(row)
    if isinstance(store, PackedStore) and store.pack.ready:  # cut when it was packed
        return array, [store.block.entry(row).clips]
    return array, [len(np.atleast_2d(array))]


class _VideoWalk:
    """Reads the video streams of a split.

    Args:
        split: The split.
    """

    def __init__(self, split: Split) -> None:
        assert split.spec is not None
        self.split, self.spec = split, split.spec
        self.audits = {stream.name: _audit(split, stream) for stream in self.spec.streams}
        self.lengths: dict[str, list[str]] = {ERROR: [], WARNING: []}
        self.misfits: list[str] = []
        self.ratios: list[tuple[int, float]] = []
        self.lost: list[str] = []
        self.windows = 0
        self.videos = 0
        self.reason = None
        self.rows_of: dict[Any, list[Row]] = {}
        for row in split.rows:
            self.rows_of.setdefault(row['vid'], []).append(row)
        if split.tolerance is None:
            self.reason = 'the pipeline takes the clip length from the duration of each video'
        elif any(stream.max_length is not None for stream in self.spec.streams):
            self.reason = 'a stream is cut to max_length'

    def __call__(self, rows: Iterable[Row]) -> Results:
        for row in rows:
            self.videos += 1
            self._video(row)
        findings: Results = [finding for audit in self.audits.values() for finding in audit.findings()]
        return [*findings, *self._stream_lengths(), *self._clip_len(), *self._past_clips()]

    def _video(self, row: Row) -> None:
        lengths: list[tuple[str, int]] = []
        for name, audit in self.audits.items():
            try:
                array, parts = _read(self.split.stores[name], row)
            except FileNotFoundError:
                continue  # reported as missing
            except (OSError, ValueError, ImportError) as error:
                audit.fail(f'{row["vid"]!r}', error)
                continue
            if audit.add(f'{row["vid"]!r}', array) is not None:
                lengths += [(name, part) for part in parts]
        if lengths and min(length for _, length in lengths):
            self._compare(row, lengths)

    def _compare(self, row: Row, lengths: Sequence[tuple[str, int]]) -> None:
        counts = [length for _, length in lengths]
        shortest, longest = min(counts), max(counts)
        severity = ERROR if longest - shortest > 0.1 * longest else WARNING
        if longest - shortest > _SLACK:
            streams = ', '.join(f'{name} {length}' for name, length in lengths)
            self.lengths[severity].append(f'{row["vid"]!r}: {streams} clips')
            if severity == ERROR:  # which of them fits the duration is not a matter of clip_len
                return
        if self.reason is None:
            self._fit(row, shortest, self.split.tolerance or 0.0)
            self._reach(row, shortest)

    def _fit(self, row: Row, shortest: int, tolerance: float) -> None:
        duration, covers = float(row['duration']), shortest * self.spec.clip_len
        self.ratios.append((shortest, duration))
        if abs(covers - duration) > tolerance * duration + _SLACK * self.spec.clip_len:
            self.misfits.append(f'{row["vid"]!r}: {shortest} clips of {self.spec.clip_len:g} s for {duration:g} s')

    def _reach(self, row: Row, clips: int) -> None:
        """Windows of all sentences of a video that begin after its last clip."""
        end, most = clips * self.spec.clip_len, self.spec.max_clips
        for other in self.rows_of[row['vid']]:
            windows = other.get('relevant_windows') or ()
            self.windows += len(windows)
            late = [window for window in windows if end <= window[0] < other['duration']]
            if late and (most is None or clips <= most):  # past_clips of the annotations has the others
                self.lost += [f'{shown_windows(other, [w])}, {clips} clips of {self.spec.clip_len:g} s' for w in late]

    def _past_clips(self) -> Results:
        severity = ERROR if len(self.lost) == self.windows else WARNING
        text = 'windows begin after the last clip of their video'
        advice = 'Training takes them for no moment, and no prediction reaches them: extract the videos to their end'
        return [*found('past_clips', severity, self.split.name, self.lost, text, advice, self.windows)]

    def _stream_lengths(self) -> Results:
        text = 'videos have streams of different lengths'
        advice = 'All are cut to the shortest from the end: were they extracted with the same clip length?'
        return [
            finding
            for severity, lines in self.lengths.items()
            for finding in found('stream_lengths', severity, self.split.name, lines, text, advice, self.videos)
        ]

    def _clip_len(self) -> Results:
        where, clip_len = self.split.name, self.spec.clip_len
        if self.reason is not None:
            return [Skipped('clip_len', where, self.reason)]
        if not self.ratios:
            return []
        clips, seconds = map(sum, zip(*self.ratios))
        advice = (
            f'All in all a clip lasts about {seconds / clips:.3g} s: correct feature_spec.clip_len or the durations'
        )
        text = 'videos have clips that do not cover the duration, or go beyond it'
        findings = found('clip_len', ERROR, where, self.misfits, text, advice, self.videos)
        # Rounding at the end of each video is allowed for, a rate that is a little wrong everywhere is not.
        if not findings and abs(seconds - clips * clip_len) > 0.05 * seconds + len(self.ratios) * clip_len:
            line = f'{clips} clips of {clip_len:g} s for {seconds:g} s'
            findings = found('clip_len', WARNING, where, [line], 'split has clips of a slightly other length', advice)
        return [*findings]


def check_text(split: Split, rows: Iterable[Row]) -> Results:
    """Read the sentences of some rows of a split."""
    assert split.spec is not None
    store, stream = split.stores['text'], split.spec.text
    table = isinstance(store, WordVectorStore)
    audit = _audit(split, stream, words=table or isinstance(store, TokenIdStore))
    unknown: dict[str, int] = {}
    total = 0
    for row in rows:
        label = f'qid {row["qid"]}'
        try:
            array = store.read(row)
        except FileNotFoundError:
            continue
        except ImportError as error:
            return [Skipped('unreadable', audit.where, str(error))]
        except (OSError, ValueError) as error:
            audit.fail(label, error)
            continue
        vectors = audit.add(label, array)
        if table and vectors is not None:
            total += len(vectors)
            for word in itertools.compress(store.split(row['query']), ~vectors.any(axis=1)):
                unknown[word] = unknown.get(word, 0) + 1
    results: Results = [*audit.findings()]
    if audit.words:
        results.append(Skipped('norms', audit.where, 'word vectors and token numbers are not normalised'))
    return [*results, *_unknown_words(audit.where, unknown, total)]


def _unknown_words(where: str, unknown: dict[str, int], total: int) -> Iterator[Any]:
    times = sum(unknown.values())
    if not total or times <= math.ceil(0.01 * total):  # a rare name is nothing to act on
        return
    lines = [f'{word!r} {n} times' for word, n in sorted(unknown.items(), key=lambda item: -item[1])]
    text = f'different words have no vector ({100 * times / total:.1f} % of all words): the model sees zeros'
    advice = "Is the punctuation stuck to words (split='punctuation'), or the table one of another language?"
    yield from found('unknown_words', WARNING, where, lines, text, advice)
