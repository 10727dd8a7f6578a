"""An augmentation: words are blanked at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DropWords(BaseTransform):
    """Set each word to zero with some probability, but never all of them.

    Args:
        probability: Of a word to be dropped, in [0, 1).

    Raises:
        ValueError: If the probability is outside of [0, 1).
    """

    def __init__(self, probability: float = 0.1) -> None:
        if not 0 <= probability < 1:
            raise ValueError(f'DropWords: probability={probability}, expected a number in [0, 1)')
        self.probability = probability

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Drop words.

        Args:
            results: The sample, with ``text_feat`` (Lt, D) and ``rng``, the only source of chance: it depends on
                (seed, epoch, index), so that a resumed run draws what the interrupted one would have drawn.

        Returns:
            The sample. The features belong to the store, so a new array replaces them.
        """
        words = results['text_feat']
        kept = results['rng'].uniform(size=len(words)) >= self.probability
        if kept.any():
            results['text_feat'] = words * kept[:, None].astype(np.float32)
        return results
