"""The embedded data set: generated in memory, so that everything runs without a download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmvmr.datasets.moment_dataset import BaseMomentDataset
from mmvmr.datasets.stores.feature_stores import ArrayStore
from mmvmr.datasets.synthetic.annotator import Annotator
from mmvmr.datasets.synthetic.world import Camera, FilmMaker, Language
from mmvmr.registry import DATASETS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import check_choice

# The position seeds a split: new names go to the end.
SPLITS = ('train', 'val', 'val_ood', 'test', 'test_ood')


@DATASETS.register_module()
class SyntheticMoments(BaseMomentDataset):
    """Moments in generated videos; see :mod:`mmvmr.datasets.synthetic.world` for what they show.

    ``train``, ``val`` and ``test`` have the same distribution: choose by ``val``, report ``test``. ``val_ood`` and
    ``test_ood`` reverse both biases: objects appear in other scenes than in training, and queries ask for late events
    where training asked for early ones.

    Args:
        split: ``train``, ``val``, ``val_ood``, ``test`` or ``test_ood``.
        pipeline: Slots of :class:`mmvmr.datasets.pipeline.MomentPipeline`.
        num_videos: Number of videos.
        queries_per_video: Number of queries of a video, at most.
        video_dim: Dimension of a clip feature.
        text_dim: Dimension of a token.
        context_correlation: Probability that an event happens in the preferred scene of its object, in [0, 1].
        location_bias: Probability that a query may ask for events of the first half of the video only, in [0, 1].
        event_weight: How clearly a clip shows object and action; its scene has 0.7.
        noise: Length of the noise vector against a concept vector of length 1.
        clip_len: Length of a clip in seconds.
        content_seed: Seed of films and queries. The maps from concepts to vectors never change.
        data_root: Ignored; every data set takes one.
        kwargs: ``seed``, ``limit``, ``indices``, ``metainfo`` of :class:`mmvmr.datasets.BaseMomentDataset`.
    """

    def __init__(
        self,
        split: str,
        pipeline: Mapping[str, Any],
        num_videos: int = 300,
        queries_per_video: int = 3,
        video_dim: int = 64,
        text_dim: int = 48,
        context_correlation: float = 0.5,
        location_bias: float = 0.25,
        event_weight: float = 1.0,
        noise: float = 0.7,
        clip_len: float = 2.0,
        content_seed: int = 0,
        data_root: str = '',
        **kwargs: Any,
    ) -> None:
        check_choice(self, 'split', split, SPLITS)
        for name, value in (('context_correlation', context_correlation), ('location_bias', location_bias)):
            if not 0 <= value <= 1:
                raise ValueError(f'SyntheticMoments: {name}={value}, expected a probability in [0, 1]')
        reverse = split.endswith('_ood')
        crew = (
            FilmMaker(context_correlation, reverse),
            Camera(video_dim, noise, event_weight=event_weight),
            Annotator(location_bias, reverse, clip_len),
        )
        videos: dict[str, np.ndarray] = {}
        rows: list[dict[str, Any]] = []
        for number in range(num_videos):
            rng = np.random.default_rng([content_seed, SPLITS.index(split), number])
            vid = f'synthetic_{split}_{number:05d}'
            videos[vid], new = _shoot(*crew, queries_per_video, rng)
            fixed = {'vid': vid, 'duration': len(videos[vid]) * clip_len}
            rows += [{'qid': len(rows) + i, **row, **fixed} for i, row in enumerate(new)]
        language = Language(text_dim)
        sentences = {row['query']: language(row['query']) for row in rows}
        streams = {'synthetic': {'dim': video_dim}}
        spec = FeatureSpec.from_dict({'streams': streams, 'text': {'dim': text_dim}, 'clip_len': clip_len})
        stores = {'synthetic': ArrayStore(videos), 'text': ArrayStore(sentences, '{query}')}
        super().__init__(rows, stores, spec, pipeline, **kwargs)


def _shoot(
    maker: FilmMaker, camera: Camera, annotator: Annotator, queries: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    film = maker(rng)
    return camera(film, rng), annotator(film, queries, rng)
