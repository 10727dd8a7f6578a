"""Two-dimensional maps of candidate moments (2D-TAN, Zhang et al., AAAI 2020; MMN, section 3).

Cell (i, j) of a map over N clips is the moment from the start of clip i to the end of clip j.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.registry import MODELS


def sparse_diagonals(num_clips: int, counts: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cells of a sparse map, diagonal by diagonal: short moments at every clip, longer ones at fewer places.

    Args:
        num_clips: Clips N.
        counts: Diagonals per group; group g takes every 2^g-th offset and every 2^g-th first clip.

    Returns:
        Rows and columns of every diagonal but the main one, shortest moments first.

    Raises:
        ValueError: If a diagonal would have no cell.
    """
    diagonals, offset = [], 0
    for group, count in enumerate(counts):
        stride = 2**group
        for _ in range(count):
            offset += stride
            if offset >= num_clips:
                raise ValueError(
                    f'counts={tuple(counts)} ask for moments of {offset + 1} clips, a map of {num_clips} has none'
                )
            diagonals.append((np.arange(0, num_clips - offset, stride), np.arange(offset, num_clips, stride)))
    return diagonals


class _SparseMap(nn.Module):
    """Builds a map by pooling clips again and again.

    Args:
        num_clips: Clips N.
        counts: See :func:`sparse_diagonals`.

    Attributes:
        mask: Which cells are candidate moments (N, N).
    """

    def __init__(self, num_clips: int, counts: Sequence[int]):
        super().__init__()
        self.num_clips = num_clips
        diagonals = sparse_diagonals(num_clips, counts)
        mask = np.eye(num_clips, dtype=bool)
        for rows, columns in diagonals:
            mask[rows, columns] = True
        self.register_buffer('mask', torch.from_numpy(mask), persistent=False)
        # Places of all pooled vectors, one after the other, in the flattened map.
        cells = [np.arange(num_clips) * (num_clips + 1), *(rows * num_clips + columns for rows, columns in diagonals)]
        self.register_buffer('places', torch.from_numpy(np.concatenate(cells)), persistent=False)
        # (kernel, stride) of every step: the first of a group halves the number of places.
        self.steps = [
            (3, 2) if group and step == 0 else (2, 1) for group, count in enumerate(counts) for step in range(count)
        ]

    def pool(self, step: int, x: Tensor) -> Tensor:
        """Features of the next longer moments.

        Args:
            step: Index of the diagonal.
            x: Features of the present ones (V, D, n).

        Returns:
            (V, D, m).
        """
        raise NotImplementedError

    def forward(self, clips: Tensor) -> Tensor:
        """Build the map.

        Args:
            clips: (V, D, N).

        Returns:
            (V, D, N, N), 0 where a cell is not a candidate.
        """
        rows = [clips]
        for step in range(len(self.steps)):
            rows.append(self.pool(step, rows[-1]))
        flat = clips.new_zeros(*clips.shape[:2], self.num_clips**2)
        flat = flat.index_copy(2, self.places, torch.cat(rows, dim=2))
        return rearrange(flat, 'v d (start end) -> v d start end', start=self.num_clips)


@MODELS.register_module()
class SparseMaxMap(_SparseMap):
    """A map of candidate moments, each the maximum over its clips (2D-TAN, section 3.2; ``pool`` of MMN).

    Args:
        num_clips: Clips N.
        counts: Diagonals per group, e.g. (15, 8, 8) for N = 64.
    """

    def pool(self, step: int, x: Tensor) -> Tensor:
        """See :meth:`_SparseMap.pool`."""
        kernel, stride = self.steps[step]
        return nn.functional.max_pool1d(x, kernel, stride)


@MODELS.register_module()
class SparseConvMap(_SparseMap):
    """A map of candidate moments made by convolutions instead of maxima (``conv`` of MMN, which no config uses).

    Args:
        num_clips: Clips N.
        counts: Diagonals per group.
        embed_dims: Channels D.
    """

    def __init__(self, num_clips: int, counts: Sequence[int], embed_dims: int):
        super().__init__(num_clips, counts)
        self.convs = nn.ModuleList(nn.Conv1d(embed_dims, embed_dims, *step) for step in self.steps)

    def pool(self, step: int, x: Tensor) -> Tensor:
        """See :meth:`_SparseMap.pool`."""
        return self.convs[step](x)


class MaskedConvStack(nn.Module):
    """Convolutions over a map whose empty cells count for nothing (2D-TAN, section 3.3; MMN).

    The first layer pads so much that the last one returns to N x N. After every layer a cell is divided by the number
    of cells under its kernel that hold something. Batch norm sees the empty cells too, as published.

    Args:
        mask: Which cells of the input are filled (N, N).
        in_dims: Input channels.
        hidden_dims: Channels of the layers.
        num_layers: Layers.
        kernel_size: Kernel of every layer.

    Raises:
        ValueError: If the layers do not return to N x N.
    """

    def __init__(self, mask: Tensor, in_dims: int, hidden_dims: int, num_layers: int, kernel_size: int):
        super().__init__()
        shrink = (kernel_size - 1) * num_layers
        if shrink % 2:
            raise ValueError(
                f'kernel_size={kernel_size}, num_layers={num_layers}: (kernel_size - 1) x num_layers must be even, so '
                'that the map keeps its size'
            )
        paddings = [shrink // 2] + [0] * (num_layers - 1)
        dims = [in_dims] + [hidden_dims] * num_layers
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, kernel_size, padding=padding) for (a, b), padding in zip(pairwise(dims), paddings)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(hidden_dims) for _ in range(num_layers))
        filled = mask.numpy()
        for layer, padding in enumerate(paddings):
            filled, weight = _reciprocal_count(filled, kernel_size, padding)
            self.register_buffer(f'weight_{layer}', torch.from_numpy(weight), persistent=False)

    def weight(self, layer: int) -> Tensor:
        """Factors of the cells of a layer (H, W)."""
        return getattr(self, f'weight_{layer}')

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (V, D, N, N).

        Returns:
            (V, H, N, N).
        """
        for layer, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = norm(conv(x)).relu() * self.weight(layer)
        return x


def _reciprocal_count(filled: np.ndarray, kernel_size: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells that a convolution fills, and one over the number of filled cells that each of them sees."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(filled, padding), (kernel_size, kernel_size))
    count = windows.sum((-2, -1))
    return count > 0, np.where(count > 0, 1 / np.maximum(count, 1), 0).astype(np.float32)
