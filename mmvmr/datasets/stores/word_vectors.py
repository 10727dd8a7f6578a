"""Text tokens from a table of word vectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mmvmr.datasets.stores.naming import Row
from mmvmr.registry import TASK_UTILS
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import NpzArrays
from mmvmr.utils.content import foreign_content, reason, regular_file
from mmvmr.utils.paths import below


def _at_spaces(sentence: str) -> list[str]:
    return sentence.lower().split()


def _at_punctuation(sentence: str) -> list[str]:
    spaced = re.sub(r"([.,()!?'])", r' \1 ', sentence.lower())
    return re.sub(r'[;:]', ' ', spaced.replace('"', '')).split()


_SPLITS = {'space': _at_spaces, 'punctuation': _at_punctuation}


@TASK_UTILS.register_module()
class WordVectorStore:
    """Text tokens of a sentence from a table of word vectors (GloVe), as the VGG settings of Charades-STA use them.

    Words are lower-cased; one that the table lacks has the zero vector.

    Args:
        file: Text file with a word and its numbers per line, or an ``.npz`` with the arrays ``words`` (N,) and
            ``vectors`` (N, dim); relative to ``data_root``. A text file may have the first line of word2vec (number of
            words, dimension) and tokens with blanks (``glove.840B.300d.txt``), which no sentence has.
        dim: Dimension of a vector.
        split: What separates words: ``space``; or also ``punctuation``, whose marks are separate words or go, as
            torchtext's ``basic_english`` does (SnAG).
        data_root: Root of the data set.

    Raises:
        ValueError: If ``split`` is unknown.
    """

    def __init__(self, file: str, dim: int = 300, split: str = 'space', data_root: str = '') -> None:
        check_choice(self, 'split', split, _SPLITS)
        self.file = below(data_root, file)
        self.dim = dim
        self.split = _SPLITS[split]
        self._table: dict[str, np.ndarray] = {}
        self._looked_up: set[str] = set()

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return str(self.file.absolute())

    def read(self, row: Row) -> np.ndarray:
        """Vectors of the words of the query, (number of words, dim), float32."""
        zero = np.zeros(self.dim, np.float32)
        return np.stack([zero if vector is None else vector for vector in self.vectors(row['query'])])

    def vectors(self, sentence: str) -> list[np.ndarray | None]:
        """Vectors of the words of a sentence, (dim,) each, float32; None for a word that the table lacks."""
        words = self.split(sentence)
        self._look_up(words)
        return [self._table.get(word) for word in words]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Name of the table where it is absent; ValueError if it is damaged. Looks up the words of all rows."""
        if not self.file.is_file():
            return [self.file.name]
        self._look_up({word for row in rows for word in self.split(row['query'])})
        return []

    def _look_up(self, words: Iterable[str]) -> None:
        wanted = set(words) - self._looked_up
        if not wanted:
            return
        if not self.file.is_file():
            raise FileNotFoundError(f'{self.where}: no such table of word vectors')
        entries = self._entries_of_archive if self.file.suffix == '.npz' else self._entries_of_text
        self._table.update(entries(wanted))
        self._looked_up |= wanted

    def _entries_of_text(self, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
        try:
            with regular_file(self.file).open(encoding='utf-8') as lines:
                for number, line in enumerate(lines, start=1):
                    word, _, number_text = line.rstrip('\n').partition(' ')
                    if word in wanted and (numbers := self._numbers(number_text.split(), number)) is not None:
                        yield word, numbers
        except UnicodeDecodeError:
            problem = foreign_content(self.file) or 'its characters are not UTF-8'
            raise ValueError(f'{self.where}: not a text table of word vectors: {problem}') from None

    def _numbers(self, fields: list[str], line: int) -> np.ndarray | None:
        """Vector of a line; None for the first line of word2vec and for a token that goes on after a blank."""
        more = fields[: max(0, len(fields) - self.dim)]
        if more and not all(map(_is_number, more)):
            return None
        if line == 1 and len(fields) == 1 and self.dim != 1:
            return None
        if len(fields) != self.dim:
            raise ValueError(f'{self.where}:{line}: {len(fields)} numbers, expected {self.dim}')
        try:
            return np.array(fields, dtype=np.float32)
        except ValueError as error:
            raise ValueError(f'{self.where}:{line}: {reason(error)}, expected {self.dim} numbers') from None

    def _entries_of_archive(self, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
        try:
            arrays: Mapping[str, Any] = NpzArrays(self.file)
            if absent := [key for key in ('words', 'vectors') if key not in arrays]:
                raise ValueError(f'it holds the arrays {list(arrays)}, but not {" and ".join(absent)}')
            words, vectors = arrays['words'], arrays['vectors']
        except (OSError, ValueError) as error:
            raise ValueError(
                f'{self.where}: cannot be read as a table of words and vectors: {reason(error)}'
            ) from error
        if vectors.shape != (len(words), self.dim):
            raise ValueError(f'{self.where}: vectors has the shape {vectors.shape}, expected {(len(words), self.dim)}')
        for word, vector in zip(words.tolist(), vectors):
            if word in wanted:
                yield word, vector.astype(np.float32)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
