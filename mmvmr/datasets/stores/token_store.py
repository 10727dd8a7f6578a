"""Sentences as token numbers, for text encoders that train along with the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mmvmr.datasets.stores.naming import Row
from mmvmr.registry import TASK_UTILS
from mmvmr.utils.content import reason
from mmvmr.utils.dependencies import refuse_model_code, require


@TASK_UTILS.register_module()
class TokenIdStore:
    """Token numbers of the query, by a tokenizer of the ``transformers`` package. Needs the package.

    The feature specification declares them as ``text=dict(dim=1, normalise='none')``.

    Args:
        tokenizer: Name or folder of the tokenizer.
        max_length: Longest sentence in tokens, special ones included; None cuts nothing.
        data_root: Ignored; every store takes one.
    """

    def __init__(self, tokenizer: str, max_length: int | None = None, data_root: str = '') -> None:
        self.name = tokenizer
        self.max_length = max_length
        self._tokenizer: Any = None

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return f'the tokenizer {self.name}'

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_tokenizer': None}

    def _encoded(self, query: str) -> Any:
        if self._tokenizer is None:
            transformers = require('transformers', type(self).__name__)
            refuse_model_code(self.name, type(self).__name__)
            try:
                self._tokenizer = transformers.AutoTokenizer.from_pretrained(self.name, trust_remote_code=False)
            except (OSError, ValueError) as error:
                raise FileNotFoundError(f'the tokenizer {self.name!r} cannot be read: {reason(error)}') from error
            if not self._tokenizer.is_fast:
                raise ValueError(f'the tokenizer {self.name!r} has no fast version, which tells where words are')
        return self._tokenizer(
            query, return_offsets_mapping=True, truncation=self.max_length is not None, max_length=self.max_length
        )

    def read(self, row: Row) -> np.ndarray:
        """Token numbers of a query, special ones included: (tokens, 1), float32, which holds them exactly.

        Raises:
            FileNotFoundError: If there is no such tokenizer.
            ImportError: If the package is missing.
        """
        return np.asarray(self._encoded(row['query'])['input_ids'], dtype=np.float32)[:, None]

    def spans(self, query: str) -> list[tuple[int, int]]:
        """Characters of every token: (first, one past the last) per token; empty for special tokens."""
        return [tuple(span) for span in self._encoded(query)['offset_mapping']]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Nothing: the tokens come from the sentences. Raises where the tokenizer itself is absent."""
        for row in rows:
            self._encoded(row['query'])
            break
        return []
