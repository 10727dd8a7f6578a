"""Scores of clips that another model made (SnAG: object or audio detectors on MAD)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.resampling import resample
from mmvmr.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class LoadClipScores(BaseTransform):
    """Fill ``prior`` (L,), scores in (0, 1) with which those of a point detector are multiplied at inference.

    Args:
        store: Config of a feature store with an array (L,) or (1, L) per query.
        temperature: Scores x become ``sigmoid(x / temperature)``; None takes them as stored.
        step: Distance between the scores that are taken, as the loader of the features does.
    """

    def __init__(self, store: dict[str, Any], temperature: float | None = 1.0, step: int = 1) -> None:
        self.config = store
        self.temperature = temperature
        self.step = step

    def bind(self, dataset: Any) -> None:
        """Build the store below the folder of the data set.

        Args:
            dataset: The data set.
        """
        self.store = TASK_UTILS.build({'data_root': str(getattr(dataset, 'data_root', '')), **self.config})

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the scores.

        Args:
            results: The sample, after loading.

        Returns:
            The sample with ``prior``; where the video was brought to another length, the scores are too.

        Raises:
            ValueError: If scores are not one number per clip.
        """
        row = results['annotation']
        scores = np.asarray(self.store.read(row), dtype=np.float32).reshape(-1)[:: self.step]
        if not len(scores) or not np.isfinite(scores).all():
            raise ValueError(f'{self.store.where}: the clip scores of qid {row["qid"]!r} are empty or not finite')
        if self.temperature is not None:
            scores = 1 / (1 + np.exp(-scores / self.temperature))
        length = len(results['video_feat'])
        results['prior'] = scores if len(scores) == length else resample(scores[:, None], length)[:, 0]
        return results
