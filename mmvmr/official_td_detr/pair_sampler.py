"""Batches of (index, partner), as the official TD-DETR code draws them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, Sampler

from mmvmr.datasets.samplers.similarity import TopClipSimilarity
from mmvmr.registry import DATA_SAMPLERS
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import read_npy
from mmvmr.utils.checkpoint import load_tensors

STRATEGIES = ('sim', 'dissim', 'random', 'mix')
#: The official code divides by 2 whatever the number of streams.
OFFICIAL_STREAMS = 2

Similarities = Callable[[Sequence[int]], Tensor]


def official_partners(
    similarity: Tensor, strategy: str, generator: torch.Generator, max_similarity: float | None = None
) -> Tensor:
    """Partner of every entry of a batch by the official rules.

    Rows and columns of originals are zero, and so is the diagonal. ``sim`` takes the first largest of a row: position
    0 of the batch where all are zero. ``dissim`` takes the first smallest, which is a zero: the entry itself or an
    original. ``random`` takes any, itself and originals too. ``mix`` tosses a coin between ``sim`` without the limit
    and ``dissim``.

    Args:
        similarity: (n, n).
        strategy: One of :data:`STRATEGIES`.
        generator: Source of randomness of ``random`` and ``mix``.
        max_similarity: ``sim`` treats larger ones as zero: another query of the same video, mostly.

    Returns:
        Positions in the batch (n,).
    """
    count = len(similarity)
    if strategy == 'random':
        return torch.randint(0, count, (count,), generator=generator)
    similarity = similarity * ~torch.eye(count, dtype=torch.bool)
    if strategy == 'sim':
        if max_similarity is not None:
            similarity[similarity > max_similarity] = 0
        return similarity.argmax(-1)
    least = similarity.argmin(-1)
    if strategy == 'dissim':
        return least
    coin = torch.rand(count, generator=generator) > 0.5
    return torch.where(coin, similarity.argmax(-1), least)


@DATA_SAMPLERS.register_module()
class PairBatchSampler(BatchSampler):
    """Give every index of a batch another one of the batch as partner, for :class:`PairedDataset`.

    This is how the official code trains, errors included. The strategies that do what their names say are the partner
    samplers of :class:`SynthesizeVideo`.

    Args:
        sampler: Yields indices of a :class:`PairedDataset`.
        batch_size: Indices per batch; a batch has one and a half times as many samples, on average.
        drop_last: Leave an incomplete last batch out.
        strategy: See :func:`official_partners`.
        max_similarity: See :func:`official_partners`; 0.9 on data sets other than QVHighlights.
        matrix: The official similarity matrix over annotation rows (``*_similarity_matrix_top50.pt``, or the same as
            ``.npy``), relative to ``data_root``. Without one the videos of each batch are compared when they are
            drawn, which needs no memory and gives the same partners.

    Raises:
        FileNotFoundError: If there is no such matrix.
        ValueError: If an option is unknown or the matrix does not fit.
    """

    def __init__(
        self,
        sampler: Sampler[int],
        batch_size: int,
        drop_last: bool = False,
        strategy: str = 'sim',
        max_similarity: float | None = None,
        matrix: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        self.strategy = check_choice(self, 'strategy', strategy, STRATEGIES)
        self.dataset = sampler.dataset
        self.count = len(self.dataset.originals)
        self.max_similarity = max_similarity
        self._similarities: Similarities = self._compared
        if matrix is not None:
            rows = _read_matrix(Path(getattr(self.dataset.originals, 'data_root', ''), matrix), self.count)
            self._similarities = lambda indices: rows[indices][:, indices]

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        seed, epoch = getattr(self.sampler, 'seed', None) or 0, getattr(self.sampler, 'epoch', 0)
        state = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        for batch in super().__iter__():
            yield self.paired(batch, generator)

    def paired(self, batch: Sequence[int], generator: torch.Generator) -> list[tuple[int, int]]:
        """Add the partners to a batch.

        Args:
            batch: Indices.
            generator: Source of randomness.

        Returns:
            (index, partner) of every index.
        """
        places = [place for place, index in enumerate(batch) if index < self.count]
        similarity = torch.zeros(len(batch), len(batch))
        if places and self.strategy != 'random':
            block = torch.tensor(places)
            similarity[block[:, None], block] = self._similarities([batch[place] for place in places])
        partners = official_partners(similarity, self.strategy, generator, self.max_similarity)
        return [(index, batch[partner]) for index, partner in zip(batch, partners.tolist())]

    def _compared(self, indices: Sequence[int]) -> Tensor:
        videos = [self.dataset.video(index) for index in indices]
        return torch.from_numpy(similarity_matrix(videos, TopClipSimilarity(OFFICIAL_STREAMS)))


def similarity_matrix(videos: Sequence[np.ndarray], measure: Any, workspace: int = 1 << 28) -> np.ndarray:
    """All similarities of the videos of a batch; a corpus goes through :func:`find_similar`.

    Args:
        videos: Clip features, each (L, D).
        measure: See :mod:`mmvmr.datasets.samplers.similarity`.
        workspace: Bytes that a comparison may use.

    Returns:
        Shape (N, N), float32.
    """
    vectors = [torch.tensor(measure.describe(video)) for video in videos]
    block = torch.nn.utils.rnn.pad_sequence(vectors, batch_first=True)
    length = block.shape[1]
    step = max(1, workspace // (len(block) * measure.workspace(length, length)))
    return torch.cat([measure.compare(part, block) for part in block.split(step)]).numpy()


def _read_matrix(path: Path, count: int) -> Tensor:
    if not path.is_file():
        raise FileNotFoundError(f'{path.absolute()}: no such similarity matrix; leave matrix out to compare batches')
    matrix = torch.from_numpy(read_npy(path)) if path.suffix == '.npy' else load_tensors(path)
    if tuple(matrix.shape) != (count, count):
        raise ValueError(f'{path.absolute()}: shape {tuple(matrix.shape)}, expected {(count, count)}: one per row')
    return matrix
