"""The space in which clips and sentences are compared to rank videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mmvmr.apis import MomentFinder
from mmvmr.datasets.transforms.loading import scale_features
from mmvmr.models.similarity import SimilarityMap


class JointSpace:
    """Clips and sentences as vectors of one space.

    It is the space of the first :class:`SimilarityMap` in the model, which was fitted to training data (``mmvmr fit``,
    or a model with ``sim.*``); without one, the features themselves, where clips of the first stream and sentences
    have the same dimension (CLIP, ConSE).

    Args:
        finder: The finder with the model.

    Raises:
        ValueError: If there is no such space.
    """

    def __init__(self, finder: MomentFinder) -> None:
        self.finder = finder
        spec, name = finder.spec, finder.file.name
        maps = (module for module in finder.model.modules() if isinstance(module, SimilarityMap))
        self.map: SimilarityMap | None = next(maps, None)
        first = spec.streams[0]
        if self.map is None and first.dim != spec.text.dim:
            raise ValueError(
                f'{name}: videos are ranked where clips and sentences share a space, but clips have {first.dim} '
                f'dimensions and sentences {spec.text.dim}, and the model has no similarity that is fitted to them. '
                'Rank with a fitted baseline (--rank-by CHECKPOINT of `mmvmr fit`), or with CLIP-like features'
            )
        if self.map is not None and not self.map.fitted:
            raise ValueError(f'{name}: the similarity of the model is not fitted; train it, or fit it with `mmvmr fit`')

    @torch.inference_mode()
    def clips(self, streams: Mapping[str, np.ndarray]) -> np.ndarray:
        """Vectors of the clips of a video.

        Args:
            streams: Stream name to features as stored (clips, dim).

        Returns:
            Shape (clips, K), float32.
        """
        spec = self.finder.spec
        if absent := [stream.name for stream in spec.streams if stream.name not in streams]:
            raise ValueError(f'{self.finder.file.name}: needs the streams {absent}, the videos have {list(streams)}')
        if self.map is None:
            return np.asarray(streams[spec.streams[0].name], np.float32)
        parts = [scale_features(np.asarray(streams[stream.name], np.float32), stream) for stream in spec.streams]
        length = min(map(len, parts))
        video = torch.from_numpy(np.concatenate([part[:length] for part in parts], axis=1))
        return self.map.mapped(video.to(self.finder.device)).float().cpu().numpy()

    @torch.inference_mode()
    def sentences(self, tokens: Sequence[np.ndarray]) -> np.ndarray:
        """Vectors of sentences.

        Args:
            tokens: Text features as stored (tokens, dim) of Q sentences.

        Returns:
            Unit vectors (Q, K), float32.
        """
        text = self.finder.spec.text
        arrays = [np.asarray(one, np.float32).reshape(-1, np.shape(one)[-1])[: text.max_length] for one in tokens]
        if wrong := {array.shape[1] for array in arrays} - {text.dim}:
            raise ValueError(
                f'{self.finder.file.name}: sentences have {wrong.pop()} dimensions, the model needs {text.dim}'
            )
        if self.map is None:
            vectors = np.stack([array.mean(axis=0) for array in arrays])
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        means = np.stack([scale_features(array, text).mean(axis=0) for array in arrays])
        return self.map.text(torch.from_numpy(means).to(self.finder.device)).float().cpu().numpy()
