"""Surrogate features: stand-ins derived from annotations, to run any config before gigabytes are downloaded.

Clips carry the words of the queries that cover them, so a model can learn something; what it scores says nothing
about real videos. The feature specification stored with them is marked, and data sets warn when they read it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.datasets.stores.naming import NameTemplate
from mmvmr.structures import FeatureSpec
from mmvmr.utils import atomic_write
from mmvmr.utils.paths import inside

Row = Mapping[str, Any]
BACKGROUND_WORDS = 3


@dataclass(frozen=True)
class StreamLayout:
    """Output paths of a stream.

    Attributes:
        name: Name of the stream; it also chooses the vectors of the words.
        dim: Dimension of a vector.
        template: Path below the output folder; ``{key}`` stands for a key of the annotation row.
        key: Array inside an ``.npz`` file.
    """

    name: str
    dim: int
    template: str
    key: str = 'features'


def words_of(text: str) -> list[str]:
    """Lower-case words of a sentence; a sentence without any gives one token."""
    return re.findall(r'\w+', text.lower()) or ['?']


@dataclass
class HashedWords:
    """A vector for every word, drawn from the hash of the word and the stream: no table, the same on every machine.

    Args:
        stream: Name of the stream.
        dim: Dimension.
        seed: Seed.
    """

    stream: str
    dim: int
    seed: int = 0
    _known: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, words: Iterable[str]) -> np.ndarray:
        """Look words up; returns (number of words, dim), each of length about 1."""
        return np.stack([self._vector(word) for word in words])

    def _vector(self, word: str) -> np.ndarray:
        if word not in self._known:
            rng = np.random.default_rng([self.seed, zlib.crc32(self.stream.encode()), zlib.crc32(word.encode())])
            self._known[word] = rng.standard_normal(self.dim) / np.sqrt(self.dim)
        return self._known[word]


def video_features(rows: Sequence[Row], words: HashedWords, clip_len: float, noise: float = 0.5) -> np.ndarray:
    """Features of a video, from all queries about it.

    Args:
        rows: Annotation rows of one video.
        words: The vectors of the stream.
        clip_len: Length of a clip in seconds.
        noise: Length of the noise vector against a mixture of about length 1.

    Returns:
        Shape (clips, dim), float16 as the published features are.
    """
    vid, duration = rows[0]['vid'], max(float(row['duration']) for row in rows)
    length = max(1, round(duration / clip_len))
    centers = (np.arange(length) + 0.5) * clip_len
    background = words(f'background {vid} {i}' for i in range(BACKGROUND_WORDS)).mean(0)
    total, count = np.zeros((length, words.dim)), np.zeros(length)
    for row in rows:
        sentence = words(words_of(row['query'])).mean(0) * 2
        for start, end in row.get('relevant_windows') or ():
            inside = (centers >= start) & (centers < end)
            total[inside] += sentence
            count[inside] += 1
    features = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None] + 0.3 * background, background)
    rng = np.random.default_rng([words.seed, zlib.crc32(words.stream.encode()), zlib.crc32(str(vid).encode()), 1])
    features += noise / np.sqrt(words.dim) * rng.standard_normal(features.shape)
    return features.astype(np.float16)


class SurrogateWriter:
    """Writes the files of one output folder. A file is complete or absent, and one that is there is kept.

    Args:
        out: The folder, which becomes the ``data_root`` of a config.
        spec: What is written; it is marked as surrogate.
        video: Layout of the video streams.
        text: Layout of the text stream, or None when tokens come from a table of word vectors.
        seed: Seed of vectors and noise.
        overwrite: Write files again that are there.
    """

    def __init__(
        self,
        out: Path,
        spec: FeatureSpec,
        video: Sequence[StreamLayout],
        text: StreamLayout | None,
        seed: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.out, self.spec, self.overwrite = out, spec, overwrite
        self.video = [(layout, HashedWords(layout.name, layout.dim, seed)) for layout in video]
        self.text = None if text is None else (text, HashedWords('text', text.dim, seed))
        self.written = 0

    def write_video(self, rows: Sequence[Row]) -> None:
        """Write all video streams of the video of some rows."""
        for layout, words in self.video:
            path = self._pending(layout, rows[0])
            if path is not None:
                self._save(path, {layout.key: video_features(rows, words, self.spec.clip_len)})

    def write_text(self, row: Row) -> None:
        """Write the tokens of a query: ``last_hidden_state`` (words, dim) and ``pooler_output`` (dim,)."""
        if self.text is None:
            return
        layout, words = self.text
        path = self._pending(layout, row)
        if path is not None:
            tokens = words(words_of(row['query'])).astype(np.float16)
            self._save(path, {layout.key: tokens, 'pooler_output': tokens.mean(0)})

    def write_word_vectors(self, file: str, dim: int, rows: Iterable[Row], seed: int = 0) -> None:
        """Write a table of word vectors in the text form of GloVe.

        Args:
            file: Path below the output folder.
            dim: Dimension.
            rows: Annotation rows; the table holds their words.
            seed: Seed of the vectors.
        """
        vocabulary = sorted({word for row in rows for word in row['query'].lower().split()})
        vectors = HashedWords('text', dim, seed)(vocabulary)
        with atomic_write(self.out / file) as tmp, open(tmp, 'w', encoding='utf-8') as table:
            for word, vector in zip(vocabulary, vectors):
                table.write(f'{word} {" ".join(f"{v:.5f}" for v in vector)}\n')
        self.written += 1

    def _pending(self, layout: StreamLayout, row: Row) -> Path | None:
        path = inside(self.out, NameTemplate(layout.template)(row))
        return path if self.overwrite or not path.is_file() else None

    def _save(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        with atomic_write(path) as tmp:
            if path.suffix == '.npy':
                np.save(tmp, next(iter(arrays.values())))
            elif path.suffix == '.pt':
                torch.save(torch.from_numpy(next(iter(arrays.values()))), tmp)
            else:
                np.savez(tmp, **arrays)
        self.written += 1
