"""Static and dynamic text tokens of a query (VDI)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.query_tags import word_spans
from mmvmr.registry import TASK_UTILS, TRANSFORMS
from mmvmr.structures.query_roles import OTHER


@TRANSFORMS.register_module()
class SplitQuery(BaseTransform):
    """Fill ``roles`` (Lt,): 1 for tokens of words of change, 2 for tokens of words of things, 0 for others (VDI).

    A token has the role of the word that it overlaps. Where tokens are words split at white space
    (:class:`WordVectorStore`, generated data) or come from a :class:`TokenIdStore` nothing else is needed.

    Args:
        split: Config of the splitter of the words: :class:`TagSplit`, :class:`LexiconSplit` or :class:`HalfSplit`.
        tokens: Config of a :class:`TokenIdStore` with the tokenizer that features in files were made with; None asks
            the text stream of the data set.
    """

    depends_on = ('query',)

    def __init__(self, split: dict[str, Any], tokens: dict[str, Any] | None = None) -> None:
        self.split = TASK_UTILS.build(split)
        self._tokens = None if tokens is None else TASK_UTILS.build(tokens)

    def bind(self, dataset: Any) -> None:
        """Look at how the data set makes tokens."""
        self._spans = getattr(self._tokens or dataset.stores['text'], 'spans', word_spans)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Find the ``roles`` of the tokens; ValueError if there are fewer than ``text_feat`` (Lt, Dt) has."""
        spans, length = self._spans(results['query']), len(results['text_feat'])
        if len(spans) < length:
            raise ValueError(
                f'qid {results["qid"]!r}: {length} token features, but {len(spans)} tokens are known: name the '
                'tokenizer of the features in SplitQuery.tokens'
            )
        pieces = self.split(results)
        results['roles'] = np.array([_role(pieces, *span) for span in spans[:length]], dtype=np.int64)
        return results


def _role(pieces: list[tuple[int, int, int]], start: int, stop: int) -> int:
    """Role of the first word that shares characters with a token, for empty tokens none."""
    return next((role for first, last, role in pieces if max(first, start) < min(last, stop)), OTHER)
