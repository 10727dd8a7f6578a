"""The cosine of clips and sentences, in a given joint space or in one that is fitted in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

KINDS = ('given', 'ridge', 'cca')
TARGETS = ('text', 'video')


@MODELS.register_module()
class SimilarityMap(nn.Module):
    """Cosines of clips with a sentence or its tokens.

    Both sides are centred by the means of the training data and mapped; a sentence is the mean of its tokens. All
    buffers are zero, and so is every cosine, until :meth:`fit` has seen the training data, once before training.

    Args:
        channels: First and last (exclusive) channel of a clip that are compared: one of several streams.
        text_dims: Channels of a token.
        kind: ``given``: the streams share a space already (CLIP, ConSE). ``ridge``: a linear map of one side to the
            other, by ridge regression of moments (means of their clips) on sentences. ``cca``: maps of both sides to
            the directions of largest correlation.
        target: For ``ridge``: the space of ``text`` (clips are mapped) or of ``video`` (sentences are mapped).
        penalty: For ``ridge`` and ``cca``: what is added to the diagonal of the sums of squares.
        rank: For ``cca``: number of directions.

    Raises:
        ValueError: If an option is unknown, or streams of different width are said to share a space.
    """

    def __init__(
        self,
        channels: Sequence[int],
        text_dims: int,
        kind: str = 'ridge',
        target: str = 'text',
        penalty: float = 3.0,
        rank: int = 64,
    ):
        super().__init__()
        self.first, self.stop = channels
        self.kind = check_choice(self, 'kind', kind, KINDS)
        self.target = check_choice(self, 'target', target, TARGETS)
        self.penalty = penalty
        dims = self.stop - self.first
        if kind == 'given' and dims != text_dims:
            raise ValueError(
                f"SimilarityMap: kind='given' compares {dims} channels of a clip with {text_dims} of a token: give the "
                "channels of the stream that shares a space with the text, or kind='ridge'"
            )
        maps: dict[str, Tensor | None] = {'video': None, 'text': None}
        if kind == 'ridge':
            source, width = ('video', text_dims) if target == 'text' else ('text', dims)
            maps[source] = torch.zeros(dims if source == 'video' else text_dims, width)
        elif kind == 'cca':
            maps = {'video': torch.zeros(dims, rank), 'text': torch.zeros(text_dims, rank)}
        self.register_buffer('video_mean', torch.zeros(dims))
        self.register_buffer('text_mean', torch.zeros(text_dims))
        self.register_buffer('video_map', maps['video'])
        self.register_buffer('text_map', maps['text'])
        self.register_buffer('fitted', torch.tensor(False))

    def video(self, clips: Tensor) -> Tensor:
        """Unit vectors of clips (..., Dv) in the joint space (..., K)."""
        return self._unit(clips[..., self.first : self.stop], self.video_mean, self.video_map)

    def text(self, tokens: Tensor) -> Tensor:
        """Unit vectors of tokens or sentences (..., Dt) in the joint space (..., K)."""
        return self._unit(tokens, self.text_mean, self.text_map)

    def _unit(self, x: Tensor, mean: Tensor, weight: Tensor | None) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            centred = x.float() - mean
            # Zeros stay zeros before the map is fitted.
            return F.normalize(centred if weight is None else centred @ weight, dim=-1) * self.fitted

    def forward(self, clips: Tensor, tokens: Tensor, token_mask: Tensor) -> Tensor:
        """Compare clips with sentences.

        Args:
            clips: Input features of clips (B, Lv, Dv).
            tokens: Input features of tokens (B, Lt, Dt).
            token_mask: Tokens that exist (B, Lt).

        Returns:
            Cosines (B, Lv), float32.
        """
        sentence = self.text(masked_mean(tokens.float(), token_mask))
        return (self.video(clips) @ sentence.unsqueeze(-1)).squeeze(-1)

    def by_token(self, clips: Tensor, tokens: Tensor) -> Tensor:
        """Cosines of clips (B, Lv, Dv) and single tokens (B, Lt, Dt): (B, Lv, Lt), float32."""
        return self.video(clips) @ self.text(tokens).transpose(1, 2)

    @torch.no_grad()
    def fit(self, dataset: Any) -> None:
        """Take the means, and where there is one the map, from training data.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`; its samples are loaded once, without augmentation.
        """
        moments, sentences, clip_mean = moment_pairs(dataset, self.first, self.stop)
        if self.kind == 'given':
            self.video_mean.copy_(clip_mean)
            self.text_mean.copy_(sentences.mean(0))
        else:
            self.video_mean.copy_(moments.mean(0))
            self.text_mean.copy_(sentences.mean(0))
            x, y = (moments - moments.mean(0)).double(), (sentences - sentences.mean(0)).double()
            if self.kind == 'cca':
                left, right = cca(x, y, self.penalty, self.video_map.shape[1])
                self.video_map.copy_(left)
                self.text_map.copy_(right)
            elif self.target == 'text':
                self.video_map.copy_(ridge(x, y, self.penalty))
            else:
                self.text_map.copy_(ridge(y, x, self.penalty))
        self.fitted.fill_(True)


def ridge(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    """The map W (D, K) that minimises ``|x W - y|^2 + penalty |W|^2``, for centred x (N, D) and y (N, K)."""
    square = x.t() @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.linalg.solve(square, x.t() @ y)


def cca(x: Tensor, y: Tensor, penalty: float, rank: int) -> tuple[Tensor, Tensor]:
    """Canonical correlations of centred x (N, D) and y (N, K), with a penalty on both.

    Args:
        x: One side.
        y: The other side.
        penalty: What is added to the diagonals of the sums of squares.
        rank: Number of directions R; at most the smaller of D and K.

    Returns:
        Maps (D, R) and (K, R), each direction scaled by the root of its correlation, so that weak ones count less.
    """
    whiten = []
    for side in (x, y):
        values, vectors = torch.linalg.eigh(side.t() @ side + penalty * torch.eye(side.shape[1], dtype=side.dtype))
        whiten.append(vectors * values.rsqrt() @ vectors.t())
    u, s, v = torch.linalg.svd(whiten[0] @ (x.t() @ y) @ whiten[1], full_matrices=False)
    scale = s[:rank].sqrt()
    return whiten[0] @ u[:, :rank] * scale, whiten[1] @ v.t()[:, :rank] * scale


def moment_pairs(dataset: Any, first: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    """Moments and sentences of a data set as one vector each.

    Args:
        dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        first: First channel of clips.
        stop: Channel after the last one.

    Returns:
        Means of the clips of every moment (N, D), means of the tokens of their sentences (N, Dt), and the mean
        clip (D,), every video counting once per sentence.

    Raises:
        ValueError: If no sample has a moment.
    """
    moments, sentences, clips = [], [], []
    for index in range(len(dataset)):
        sample = dataset.loaded(index)
        video, text = sample['video_feat'][:, first:stop], sample['text_feat']
        inside = np.zeros(len(video), dtype=bool)
        for start, end in sample.get('relevant_windows') or ():
            # As targets are made: the clip in which a window ends does not count unless it would be the only one.
            low = min(int(start / sample['clip_len']), len(video) - 1)
            inside[low : max(low + 1, int(end / sample['clip_len']))] = True
        if inside.any():
            moments.append(video[inside].mean(0))
            sentences.append(text.mean(0))
            clips.append(video.mean(0))
    if not moments:
        raise ValueError('SimilarityMap: no sample of the training data has a moment to fit a map to')
    return (
        torch.from_numpy(np.stack(moments)).float(),
        torch.from_numpy(np.stack(sentences)).float(),
        torch.from_numpy(np.mean(clips, axis=0)).float(),
    )


def relative_similarity(similarity: Tensor, mask: Tensor, smooth: int = 1) -> Tensor:
    """Similarity relative to the rest of the video: smoothed, centred and divided by its deviation.

    Args:
        similarity: Cosines (B, L).
        mask: Clips that exist (B, L), contiguous from the first.
        smooth: Odd number of clips to average over; at the ends of the video, over those that exist.

    Returns:
        (B, L), mean 0 and deviation 1 over the clips that exist, 0 on padding. A constant row becomes zeros.
    """
    valid = mask.float()
    x = similarity.float() * valid
    if smooth > 1:
        total, count = (F.avg_pool1d(t.unsqueeze(1), smooth, 1, smooth // 2).squeeze(1) for t in (x, valid))
        x = total / count.clamp(min=1e-6) * valid
    number = valid.sum(1, keepdim=True).clamp(min=1)
    x = (x - x.sum(1, keepdim=True) / number) * valid
    deviation = (x.square().sum(1, keepdim=True) / number).sqrt()
    return x / deviation.clamp(min=1e-6)
