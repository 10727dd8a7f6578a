"""Scorers that re-rank moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmvmr.evaluation.functional import InputError, check_predictions, pairwise_iou
from mmvmr.registry import DATASETS, SCORERS
from mmvmr.utils.choices import check_choice
from mmvmr.utils.io import read_jsonl


@SCORERS.register_module()
class OtherPredictions:
    """Agreement with another prediction file, e.g. answers of a language model.

    A window scores the highest IoU with a moment of the other file, times the score of that moment.

    Args:
        file: The other prediction file, with all queries that are re-ranked.
        scores: Multiply with the scores of the other file; False counts all its moments equally.

    Raises:
        ValueError: If ``scores`` is neither True nor False.
        InputError: If the other file is not a prediction file.
    """

    def __init__(self, file: str, scores: bool = True):
        self.file = file
        self.scores = check_choice(self, 'scores', scores, (True, False))
        rows = read_jsonl(str(file))
        check_predictions(rows, rows, str(file))
        self.windows = {row['qid']: row.get('pred_relevant_windows') or [] for row in rows}

    def score(self, row: Mapping[str, Any], windows: np.ndarray) -> np.ndarray:
        """Score windows (N, 2) in seconds; zeros where the other file has no moment.

        Raises:
            InputError: If the other file lacks the query.
        """
        if row['qid'] not in self.windows:
            raise InputError(f'{self.file}: no entry of qid {row["qid"]!r}, expected all queries that are re-ranked')
        others = np.asarray(self.windows[row['qid']], dtype=float).reshape(-1, 3)
        if not len(others):
            return np.zeros(len(windows))
        factor = others[:, 2] if self.scores else 1.0
        return (pairwise_iou(windows, others[:, :2]) * factor).max(axis=1)


@SCORERS.register_module()
class MeanClipSimilarity:
    """Cosine of the sentence and the mean clip of the window.

    Clips and sentences are compared as :class:`SimilarityMap` does, whose map is fitted to the training data of a
    config, in closed form and within seconds.

    Args:
        config: Config of a data set, or the name of a shipped one; its test data are those of the predictions.
        kind: ``ridge`` or ``cca`` for a fitted map, ``given`` where clips and sentences share a space (CLIP).
        stream: Video stream that is compared; None for the first one.
        penalty: Of a fitted map.
        data_root: Where the data are; None for what the config says.

    Raises:
        ValueError: If there is no such stream.
    """

    def __init__(
        self,
        config: str,
        kind: str = 'ridge',
        stream: str | None = None,
        penalty: float = 3.0,
        data_root: str | None = None,
    ):
        from mmvmr.models import SimilarityMap
        from mmvmr.utils.cli import load_config
        from mmvmr.utils.config import stream_channels
        from mmvmr.utils.setup import apply_data_root, check_data_roots, register_all_modules

        cfg = load_config(config, {} if data_root is None else {'data_root': data_root})
        register_all_modules()
        apply_data_root(cfg)
        check_data_roots(cfg)
        train, self.dataset = (DATASETS.build(cfg[f'{split}_dataloader'].dataset) for split in ('train', 'test'))
        spec = self.dataset.feature_spec
        channels = stream_channels(spec)
        stream = check_choice(self, 'stream', stream or spec.streams[0].name, channels)
        self.map = SimilarityMap(channels[stream], spec.text_dim, kind=kind, penalty=penalty)
        self.map.fit(train)
        self.index = {row['qid']: index for index, row in enumerate(self.dataset.rows)}

    def score(self, row: Mapping[str, Any], windows: np.ndarray) -> np.ndarray:
        """Score windows (N, 2) in seconds by the clips that they overlap.

        Raises:
            InputError: If the test data of the config lack the query.
        """
        import torch
        import torch.nn.functional as F

        if row['qid'] not in self.index:
            raise InputError(f'MeanClipSimilarity: the test data of the config have no qid {row["qid"]!r}')
        sample = self.dataset.loaded(self.index[row['qid']])
        clips = self.map.mapped(torch.tensor(sample['video_feat']))
        sentence = self.map.text(torch.tensor(sample['text_feat']).float().mean(0))
        sums = F.pad(clips.cumsum(0), (0, 0, 1, 0))
        first = np.clip((windows[:, 0] / sample['clip_len']).astype(int), 0, len(clips) - 1)
        stop = np.clip(np.ceil(windows[:, 1] / sample['clip_len']).astype(int), first + 1, len(clips))
        return (F.normalize(sums[stop] - sums[first], dim=-1) @ sentence).numpy()
