"""Choice of the video whose clips are mixed into a synthesized one (TD-DETR, section 3.1)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmvmr.datasets.samplers.similar_videos import SimilarVideos
from mmvmr.datasets.samplers.similarity import PooledSimilarity
from mmvmr.datasets.samplers.similarity_search import find_similar
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import source_video

#: Neighbours that an index in memory keeps of every video, on either side.
KEPT = 50


class _PartnerSampler:
    """Knows the videos of a data set; a partner never comes from the same source video."""

    def bind(self, dataset: Any) -> None:
        """Take the videos of a data set; ValueError if all its rows are of one video."""
        self.dataset = dataset
        self.rows: dict[str, int] = {}
        for index, row in enumerate(dataset.rows):
            self.rows.setdefault(str(row['vid']), index)
        self.vids = list(self.rows)
        if len({source_video(vid) for vid in self.vids}) < 2:
            raise ValueError(
                f'{type(self).__name__}: {len(dataset.rows)} rows of one video, and a partner is another video; '
                'use more rows (dataset.limit) or set the augmentation to None'
            )


@TASK_UTILS.register_module()
class RandomVideoSampler(_PartnerSampler):
    """Any other video, each with the same probability."""

    def __call__(self, results: dict[str, Any]) -> int:
        """Choose a partner; returns the index of a row of the partner."""
        source = source_video(results['vid'])
        while True:
            vid = self.vids[results['rng'].integers(0, len(self.vids))]
            if source_video(vid) != source:
                return self.rows[vid]


@TASK_UTILS.register_module()
class SimilarVideoSampler(_PartnerSampler):
    """One of the most similar other videos.

    Args:
        index: File of ``tools/analysis_tools/build_similar_videos.py``, relative to ``data_root``. Without one, every
            process that needs a partner (each worker) compares the mean clips of all videos once, which reads all
            features: meant for sets of some hundred videos, and refused above ``max_videos``.
        top: Choose among this many, each with the same probability; 1 always takes the first.
        max_similarity: Leave videos out that are more similar than this: near duplicates may show the moment itself.
            The official code does so above 0.9 on data sets other than QVHighlights.
        max_videos: Largest set without an index.

    Raises:
        ValueError: If ``top`` is not positive.
    """

    def __init__(
        self,
        index: str | os.PathLike[str] | None = None,
        top: int = 10,
        max_similarity: float | None = None,
        max_videos: int = 10_000,
    ) -> None:
        if top < 1:
            raise ValueError(f'{type(self).__name__}: top={top}, expected a positive number of candidates')
        self.index = index
        self.top = top
        self.max_similarity = max_similarity
        self.max_videos = max_videos
        self._found: SimilarVideos | None = None

    def bind(self, dataset: Any) -> None:
        """Take the videos of a data set, and check that the index knows them.

        Raises:
            FileNotFoundError: If the index is absent.
            ValueError: If it does not fit, or is needed.
        """
        super().bind(dataset)
        if self.index is not None:
            self._found = SimilarVideos.load(Path(getattr(dataset, 'data_root', ''), self.index))
            self._found.check(self.vids, dataset.feature_spec)
        elif len(self.vids) > self.max_videos:
            raise ValueError(
                f'{type(self).__name__}: {len(self.vids)} videos, max_videos={self.max_videos} for an index '
                'in memory: build one with tools/analysis_tools/build_similar_videos.py and name it as index'
            )

    def __call__(self, results: dict[str, Any]) -> int | None:
        """Choose a partner; returns the index of a row of the partner; None where none is listed."""
        if self._found is None:
            self._found = index_in_memory(self.dataset, self.rows)
        source, limit = source_video(results['vid']), self.max_similarity
        chosen = []
        for vid, similarity in self._ranked(self._found, str(results['vid'])):
            if vid in self.rows and source_video(vid) != source and (limit is None or similarity <= limit):
                chosen.append(vid)
                if len(chosen) == self.top:
                    break
        return self.rows[results['rng'].sample(chosen, 1)[0]] if chosen else None

    @staticmethod
    def _ranked(index: SimilarVideos, vid: str) -> list[tuple[str, float]]:
        return index.partners(vid)


@TASK_UTILS.register_module()
class DissimilarVideoSampler(SimilarVideoSampler):
    """One of the least similar other videos; arguments as in :class:`SimilarVideoSampler`."""

    @staticmethod
    def _ranked(index: SimilarVideos, vid: str) -> list[tuple[str, float]]:
        return index.dissimilar(vid)


def index_in_memory(dataset: Any, rows: dict[str, int]) -> SimilarVideos:
    """Compare the mean clips of all videos by their cosine.

    Args:
        dataset: The data set.
        rows: Video to the index of one of its rows.

    Returns:
        The :data:`KEPT` most and least similar videos of every video.
    """
    print_log(f'comparing {len(rows)} videos to find partners (build an index file to skip this)', logger='current')
    index = list(rows.values())

    def read(position: int) -> np.ndarray:
        return dataset.loaded(index[position])['video_feat']

    return find_similar(list(rows), read, PooledSimilarity(), top_k=KEPT, least=KEPT)
