"""The cosine of clips and sentences, in a given joint space or in one that is fitted in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean
from mmvmr.models.similarity.closed_form import cca, kernel_ridge, rbf, ridge
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

KINDS = ('given', 'ridge', 'cca', 'kernel')
TARGETS = ('text', 'video')


@MODELS.register_module()
class SimilarityMap(nn.Module):
    """Cosines of clips with a sentence or its tokens.

    Both sides are centred by the means of the training data and mapped; a sentence is the mean of its tokens. All
    buffers are zero, and so is every cosine, until :meth:`fit` has seen the training data, once before training.

    Args:
        channels: First and last (exclusive) channel of a clip that are compared: one of several streams.
        text_dims: Channels of a token.
        stream: Name of the stream, for configs, in which ``channels`` and ``text_dims`` follow from ``feature_spec``;
            None for the first one.
        kind: ``given``: the streams share a space already (CLIP, ConSE). ``ridge``: a linear map of one side to the
            other, by ridge regression of moments (means of their clips) on sentences. ``cca``: maps of both sides to
            the directions of largest correlation. ``kernel``: sentences are mapped to the space of clips by kernel
            ridge regression, with the kernel ``exp(gamma * (cosine - 1))`` of two centred sentences.
        target: For ``ridge``: the space of ``text`` (clips are mapped) or of ``video`` (sentences are mapped).
        penalty: For ``ridge`` and ``cca``: what is added to the diagonal of the sums of squares; for ``kernel``: to
            that of the kernel matrix.
        rank: For ``cca``: number of directions; all of them where clips or tokens have fewer channels.
        power: Exponent of the channels of clips, with their sign; 0.5 makes peaked features (classifiers') even.
        text_penalty: For ``cca``: penalty of the text; None for ``penalty``.
        gamma: For ``kernel``: see ``kind``.
        centers: For ``kernel``: training sentences that the map is made of, evenly spaced where there are more of them.

    Raises:
        ValueError: If an option is unknown or out of its range, or streams of different width are said to share a
            space.
    """

    def __init__(
        self,
        channels: Sequence[int],
        text_dims: int,
        stream: str | None = None,
        kind: str = 'ridge',
        target: str = 'text',
        penalty: float = 3.0,
        rank: int = 64,
        power: float = 1.0,
        text_penalty: float | None = None,
        gamma: float = 2.0,
        centers: int = 1024,
    ):
        super().__init__()
        self.first, self.stop = channels
        self.stream = stream
        self.kind = check_choice(self, 'kind', kind, KINDS)
        self.target = check_choice(self, 'target', target, TARGETS)
        self.penalty = penalty
        self.text_penalty = penalty if text_penalty is None else text_penalty
        if kind == 'kernel' and not (gamma > 0 and penalty > 0 and centers > 0):
            given = f'gamma={gamma!r}, penalty={penalty!r} and centers={centers!r}'
            raise ValueError(f"SimilarityMap: found {given}, expected numbers above 0 for kind='kernel'")
        self.power = power
        self.gamma = gamma
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
            rank = min(rank, dims, text_dims)
            maps = {'video': torch.zeros(dims, rank), 'text': torch.zeros(text_dims, rank)}
        elif kind == 'kernel':
            maps['text'] = torch.zeros(centers, dims)
        self.register_buffer('centers', torch.zeros(centers, text_dims) if kind == 'kernel' else None)
        self.register_buffer('video_mean', torch.zeros(dims))
        self.register_buffer('text_mean', torch.zeros(text_dims))
        self.register_buffer('video_map', maps['video'])
        self.register_buffer('text_map', maps['text'])
        self.register_buffer('fitted', torch.tensor(False))

    def video(self, clips: Tensor) -> Tensor:
        """Unit vectors of clips (..., Dv) in the joint space (..., K)."""
        return F.normalize(self.mapped(clips), dim=-1)

    def text(self, tokens: Tensor) -> Tensor:
        """Unit vectors of tokens or sentences (..., Dt) in the joint space (..., K)."""
        return F.normalize(self._map(tokens.float(), self.text_mean, self.text_map, self.centers), dim=-1)

    def mapped(self, clips: Tensor) -> Tensor:
        """Clips (..., Dv) in the joint space (..., K), not scaled, so that their sums stand for windows."""
        channels = signed_power(clips[..., self.first : self.stop].float(), self.power)
        return self._map(channels, self.video_mean, self.video_map)

    def _map(self, x: Tensor, mean: Tensor, weight: Tensor | None, centers: Tensor | None = None) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            centred = x - mean
            if centers is not None:
                centred = rbf(F.normalize(centred, dim=-1), centers, self.gamma)
            # Zeros stay zeros before the map is fitted.
            return (centred if weight is None else centred @ weight) * self.fitted

    def forward(self, clips: Tensor, tokens: Tensor, token_mask: Tensor, rows: Tensor | None = None) -> Tensor:
        """Compare clips with sentences.

        Args:
            clips: Input features of clips (B, Lv, Dv), or of V videos with ``rows``; each is mapped once.
            tokens: Input features of tokens (B, Lt, Dt).
            token_mask: Tokens that exist (B, Lt).
            rows: Video of every sentence (B,).

        Returns:
            Cosines (B, Lv), float32.
        """
        sentence, video = self.text(masked_mean(tokens.float(), token_mask)), self.video(clips)
        if rows is not None:
            video = video if len(video) == 1 else video[rows]
        with torch.autocast(clips.device.type, enabled=False):
            return (video @ sentence.unsqueeze(-1)).squeeze(-1)

    def by_token(self, clips: Tensor, tokens: Tensor) -> Tensor:
        """Cosines of clips (B, Lv, Dv) and single tokens (B, Lt, Dt): (B, Lv, Lt), float32."""
        return self.video(clips) @ self.text(tokens).transpose(1, 2)

    @torch.no_grad()
    def fit(self, dataset: Any) -> None:
        """Take the means, and where there is one the map, from training data.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`; its samples are loaded once, without augmentation.
        """
        moments, sentences, clip_mean = moment_pairs(dataset, self.first, self.stop, self.power)
        if self.kind == 'given':
            self.video_mean.copy_(clip_mean)
            self.text_mean.copy_(sentences.mean(0))
        else:
            self.video_mean.copy_(moments.mean(0))
            self.text_mean.copy_(sentences.mean(0))
            x, y = (moments - moments.mean(0)).double(), (sentences - sentences.mean(0)).double()
            if self.kind == 'cca':
                left, right = cca(x, y, (self.penalty, self.text_penalty), self.video_map.shape[1])
                self.video_map.copy_(left)
                self.text_map.copy_(right)
            elif self.kind == 'kernel':
                unit = F.normalize(y, dim=-1)
                count = min(len(self.centers), len(unit))
                chosen = unit[torch.arange(count) * len(unit) // count]
                self.centers[:count] = chosen
                self.text_map[:count] = kernel_ridge(unit, chosen, x, self.penalty, self.gamma)
            elif self.target == 'text':
                self.video_map.copy_(ridge(x, y, self.penalty))
            else:
                self.text_map.copy_(ridge(y, x, self.penalty))
        self.fitted.fill_(True)


def moment_clips(
    dataset: Any, first: int, stop: int, power: float = 1.0
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Moments of a data set, loaded once and without augmentation.

    Args:
        dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        first: First channel of clips.
        stop: Channel after the last one.
        power: Exponent of the channels of clips, see :class:`SimilarityMap`.

    Yields:
        For every sample with a moment the clips inside its moments (n, D), the mean of its tokens (Dt,) and the mean
        clip of its video (D,).
    """
    for index in range(len(dataset)):
        sample = dataset.loaded(index)
        video = signed_power(torch.tensor(sample['video_feat'][:, first:stop]), power).numpy()
        inside = np.zeros(len(video), dtype=bool)
        for start, end in sample.get('relevant_windows') or ():
            # As targets are made: the clip in which a window ends does not count unless it would be the only one.
            low = min(int(start / sample['clip_len']), len(video) - 1)
            inside[low : max(low + 1, int(end / sample['clip_len']))] = True
        if inside.any():
            yield video[inside], sample['text_feat'].mean(0), video.mean(0)


def moment_pairs(dataset: Any, first: int, stop: int, power: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Moments and sentences of a data set as one vector each.

    Args:
        dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        first: First channel of clips.
        stop: Channel after the last one.
        power: Exponent of the channels of clips, see :class:`SimilarityMap`.

    Returns:
        Means of the clips of every moment (N, D), means of the tokens of their sentences (N, Dt), and the mean
        clip (D,), every video counting once per sentence.

    Raises:
        ValueError: If no sample has a moment.
    """
    moments = [(inside.mean(0), text, clip) for inside, text, clip in moment_clips(dataset, first, stop, power)]
    if not moments:
        raise ValueError('SimilarityMap: no sample of the training data has a moment to fit a map to')
    clips, sentences, means = (torch.from_numpy(np.stack(part)).float() for part in zip(*moments, strict=True))
    return clips, sentences, means.mean(0)


def signed_power(x: Tensor, power: float) -> Tensor:
    """Every channel to a power, with its sign (power 0.5 of counts: Hellinger's map)."""
    return x if power == 1 else x.sign() * x.abs().pow(power)


def neighbour_mean(x: Tensor, mask: Tensor, size: int) -> Tensor:
    """Mean over clips in a row, at the ends of the video over those that exist.

    Args:
        x: A value per clip (B, L).
        mask: Clips that exist (B or 1, L), contiguous from the first.
        size: Odd number of clips.

    Returns:
        (B, L), 0 on padding.
    """
    x = x.where(mask, 0.0)
    if size == 1:
        return x
    total, count = (F.avg_pool1d(t.unsqueeze(1), size, 1, size // 2).squeeze(1) for t in (x, mask.to(x.dtype)))
    return (total / count.clamp(min=1e-6)).where(mask, 0.0)


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
    x = neighbour_mean(similarity.float(), mask, smooth)
    number = valid.sum(1, keepdim=True).clamp(min=1)
    x = (x - x.sum(1, keepdim=True) / number) * valid
    deviation = (x.square().sum(1, keepdim=True) / number).sqrt()
    return x / deviation.clamp(min=1e-6)
