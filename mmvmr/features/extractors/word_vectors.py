"""Words from a table of vectors (GloVe)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmvmr.datasets.stores.word_vectors import WordVectorStore
from mmvmr.features.base import TextExtractor
from mmvmr.registry import EXTRACTORS
from mmvmr.utils import check_choice

UNKNOWN = ('zero', 'skip', 'mean')


@EXTRACTORS.register_module()
class WordVectorExtractor(TextExtractor):
    """One vector per word from a table, such as ``glove.6B.300d.txt``; the vector of the sentence is their mean.

    Args:
        file: Text file with a word and its numbers per line, or an ``.npz`` with ``words`` (N,) and ``vectors``
            (N, dim).
        dim: Dimension of a vector.
        split: What separates words, see :class:`mmvmr.datasets.WordVectorStore`.
        unknown: Words that the table lacks: ``zero`` vector (Charades-STA with VGG features), ``skip`` them (a sentence
            without any known word is one zero vector), or the ``mean`` of the known words of the sentence.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has another dimension, or an option is unknown.
    """

    # A text table is read from front to back for the words of a call, so the fewer calls the better.
    batch_sentences = 1_000_000

    def __init__(self, file: str, dim: int = 300, split: str = 'space', unknown: str = 'zero') -> None:
        super().__init__(dim)
        self.unknown = check_choice(self, 'unknown', unknown, UNKNOWN)
        self.table = WordVectorStore(file, dim, split)
        if self.table.missing([]):
            raise FileNotFoundError(f'{self.table.where}: no such table of word vectors')

    def forward(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See :class:`mmvmr.features.TextExtractor`."""
        self.table.missing({'query': sentence} for sentence in sentences)  # reads all words at once
        return [self._sentence(sentence) for sentence in sentences]

    def _sentence(self, sentence: str) -> tuple[np.ndarray, np.ndarray]:
        looked_up = self.table.vectors(sentence)
        zero = np.zeros(self.dim, np.float32)
        vectors = [vector for vector in looked_up if vector is not None]
        mean = np.mean(vectors, axis=0) if vectors else zero
        if self.unknown != 'skip':
            vectors = [(mean if self.unknown == 'mean' else zero) if v is None else v for v in looked_up]
        return np.stack(vectors or [zero]), mean
