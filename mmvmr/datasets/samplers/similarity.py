"""Measures of the similarity of two videos, from clip features.

A measure turns every video into vectors once (``describe``) and compares blocks of videos (``compare``), so that
:mod:`mmvmr.datasets.samplers.similarity_search` can work within a memory bound, whatever the measure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class TopClipSimilarity:
    """Mean of the largest clip-by-clip products: two videos are similar if parts of them are.

    The similarity of the official TD-DETR code (ICCV 2025): the ``top`` largest entries of V_i V_j^T over all pairs of
    clips, their mean, divided by the number of streams. With streams of unit vectors a product divided by their number
    is the mean of the cosines of the streams. Where fewer than ``top`` products are positive, zeros take the place of
    the others. The official code pads all videos with zeros to the longest one, with the same effect wherever one of
    the two is shorter than that.

    Args:
        num_streams: Number of feature streams that are concatenated.
        top: Number of products that count. The official code needs at least this many pairs of clips; here a short
            video has zeros for those that it lacks.
    """

    #: Whether the vectors of a video are so few that keeping them costs little.
    compact = False

    def __init__(self, num_streams: int = 1, top: int = 50) -> None:
        if num_streams < 1 or top < 1:
            raise ValueError(f'TopClipSimilarity: num_streams={num_streams} and top={top}, expected positive integers')
        self.num_streams = num_streams
        self.top = top

    def options(self) -> dict[str, Any]:
        """Description of the measure that an index stores."""
        return {'measure': 'top_clips', 'num_streams': self.num_streams, 'top': self.top}

    def describe(self, video: np.ndarray) -> np.ndarray:
        """The vectors (L, D) of a video, from its clip features (L, D)."""
        return np.asarray(video, np.float32)

    def workspace(self, first: int, second: int) -> int:
        """Bytes that the comparison of one pair needs, from the numbers of vectors, padding included.

        Those are the products, and their copy in the order of the pairs.
        """
        return 2 * 4 * first * second

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare every video of a block (A, La, D) with every one of another (B, Lb, D), padded with zeros: (A, B)."""
        (count, length, dim), (others, other_length, _) = first.shape, second.shape
        # One large product is four times faster than a batch of small ones; the copy that follows costs 2 %.
        products = first.reshape(-1, dim) @ second.reshape(-1, dim).T
        products = products.view(count, length, others, other_length).transpose(1, 2).reshape(count, others, -1)
        best = _largest(products, min(self.top, products.shape[2]))
        return best.clamp_(min=0).sum(2) / (self.top * self.num_streams)


class PooledSimilarity:
    """Cosine of the mean clip features: two videos are similar as a whole.

    A thousandth of the work of :class:`TopClipSimilarity`, for large corpora.
    """

    compact = True

    def options(self) -> dict[str, Any]:
        """Description of the measure that an index stores."""
        return {'measure': 'pooled'}

    def describe(self, video: np.ndarray) -> np.ndarray:
        """The vector (1, D) of a video, of length 1 (0 for a video of zeros), from its clip features (L, D)."""
        mean = np.asarray(video, np.float32).mean(axis=0, keepdims=True)
        return mean / max(float(np.linalg.norm(mean)), np.finfo(np.float32).tiny)

    def workspace(self, first: int, second: int) -> int:
        """Bytes that the comparison of one pair needs."""
        return 4 * first * second

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare every video of a block (A, 1, D) with every one of another (B, 1, D): (A, B)."""
        return first[:, 0] @ second[:, 0].T


#: Names of the measures on the command line.
MEASURES = {'top_clips': TopClipSimilarity, 'pooled': PooledSimilarity}


def _largest(values: Tensor, count: int) -> Tensor:
    """The ``count`` largest of the last dimension, in any order. ``values`` is used up."""
    if values.device.type == 'cpu':  # numpy's partition is three times faster than torch.topk there
        array = values.numpy()
        array.partition(array.shape[-1] - count, axis=-1)
        return torch.from_numpy(array[..., -count:])
    return values.topk(count, dim=-1, sorted=False).values
