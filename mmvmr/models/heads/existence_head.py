"""Existence head: whether the video shows what the sentence describes at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP, instance_token, masked_max, masked_mean
from mmvmr.models.similarity import SimilarityMap, neighbour_mean
from mmvmr.registry import MODELS
from mmvmr.structures import Existence, Outputs
from mmvmr.utils import check_choice

_SOURCES = ('queries', 'clips', 'token', 'candidates', 'similarity')
_FOLDS = 3  # parts of the videos, each compared by a map that is fitted to the others


class CalibratedHead(nn.Module):
    """Base of heads whose logit says whether there is a moment at all.

    The probability is ``sigmoid(logit / temperature)``; ``temperature`` and ``threshold`` are buffers, which
    ``tools/analysis_tools/calibrate_existence.py`` fits and the checkpoint keeps.
    """

    temperature: Tensor
    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('temperature', torch.tensor(1.0))
        self.register_buffer('threshold', torch.tensor(0.5))

    def judged(self, logits: Tensor) -> Existence:
        """Probabilities and decisions of logits (B,)."""
        probability = (logits / self.temperature).sigmoid()
        return Existence(logits, probability, probability > self.threshold)


@MODELS.register_module()
class ExistenceHead(CalibratedHead):
    """Two linear layers on one pooled vector per video-sentence pair (adapter of Soccer-GMR, 2026).

    With ``similarity`` (not published) a linear function of how similar clips and sentence are is added to the logit:
    the maximum and the mean over the clips, and the maximum of the mean of three clips in a row. What the stages make
    of their inputs does not say how well any clip fits, since the best of a poor lot looks the same to them. The
    function is fitted in closed form and stays: the similarities of training pairs, which the map was fitted to, are
    higher than those of new ones, and would train it to expect too much.

    Args:
        embed_dims: Channels D of the pooled vector; None with ``source='similarity'``, which has none.
        source: ``queries``, the last states of the moment queries that predict, as published; ``clips``, the encoded
            clips (of all levels); ``token``, the vector of the pair that the encoder makes; ``candidates``, for
            detectors that compare candidate moments with sentences: the product of the sentence and the mean
            candidate, weighted by their similarity; ``similarity``, no vector, for a head that looks at nothing else.
        pool: ``max`` or ``mean`` over queries or clips.
        similarity: Config of a :class:`SimilarityMap`, which ``FitHook`` fits with the function; None for none.

    Raises:
        ValueError: If an option is unknown or absent, e.g. the map of ``source='similarity'``.
    """

    #: Divides the cosines of candidates, which differ by about a tenth.
    _SHARPNESS = 0.1

    def __init__(
        self,
        embed_dims: int | None = None,
        source: str = 'queries',
        pool: str = 'max',
        similarity: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.source = check_choice(self, 'source', source, _SOURCES)
        self.pool = check_choice(self, 'pool', pool, ('max', 'mean'))
        if source == 'similarity' and similarity is None:
            raise ValueError("ExistenceHead: source='similarity' needs the config of a SimilarityMap as similarity")
        if source != 'similarity' and embed_dims is None:
            raise ValueError(f"ExistenceHead: source={source!r} needs embed_dims; source='similarity' does without")
        self.mlp = None if source == 'similarity' else MLP(embed_dims, embed_dims, 1, 2)
        self.similarity: SimilarityMap | None = None
        if similarity is not None:
            self.similarity_cfg = similarity
            self.similarity = MODELS.build(similarity)
            self.register_buffer('level_weight', torch.zeros(3))
            self.register_buffer('level_bias', torch.zeros(()))
            self.register_buffer('fitted', torch.tensor(False))

    def forward(self, outputs: Outputs) -> Existence:
        """Judge every pair of the batch.

        Args:
            outputs: Of the other stages.

        Returns:
            Logits, probabilities and decisions (B,).

        Raises:
            ValueError: If the detector has nothing of the kind that ``source`` names.
        """
        logits = [] if self.mlp is None else [self.mlp(self.vector(outputs)).squeeze(-1).float()]
        if self.similarity is not None:
            logits.append((self._levels(outputs) * self.level_weight).sum(-1) + self.level_bias)
        return self.judged(torch.stack(logits).sum(0))

    def vector(self, outputs: Outputs) -> Tensor:
        """Pool what the head looks at: (B, D)."""
        pool = masked_max if self.pool == 'max' else masked_mean
        memory = outputs.memory
        if self.source == 'token':
            return instance_token(memory)
        if self.source == 'clips':
            levels = [memory.video] if memory.levels is None else memory.levels
            return pool(*(torch.cat([getattr(x, part) for x in levels], dim=1) for part in ('feat', 'mask')))
        if self.source == 'candidates':
            return self._candidates(outputs)
        if outputs.decoded is None or outputs.queries is None:
            raise ValueError("ExistenceHead: source='queries' needs a decoder; set model.existence_head.source='clips'")
        group = next(group for group in outputs.queries.groups if group.name == 'direct')
        states = outputs.decoded.hidden[-1, :, group.start : group.stop]
        mask = torch.ones_like(states[..., 0], dtype=torch.bool) if group.mask is None else group.mask
        return pool(states, mask)

    def _levels(self, outputs: Outputs) -> Tensor:
        """See :func:`similarity_levels`."""
        features = outputs.features
        if features.raw_video is None or features.text.raw is None:
            raise ValueError(
                'ExistenceHead: similarity compares clips and tokens before projection, which this projector does not '
                'hand on; set model.existence_head.similarity=None'
            )
        clips, text, rows = features.raw_video, features.text, features.rows
        mask = clips.mask if rows is None else clips.mask[rows]
        return similarity_levels(self.similarity(clips.feat, text.raw, text.mask, rows), mask)

    @torch.no_grad()
    def fit(self, dataset: Any) -> None:
        """Fit the map, and the linear discriminant of pairs that belong together and of false ones.

        For the discriminant every video is compared by a map that is fitted to other videos.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`; its samples are loaded four times, without
                augmentation.

        Raises:
            ValueError: If all sentences are about one video.
        """
        numbers: dict[str, int] = {}
        folds = [numbers.setdefault(str(row['vid']), len(numbers)) % _FOLDS for row in dataset.rows]
        if len(numbers) < 2:
            raise ValueError('ExistenceHead: similarity is fitted to sentences about at least 2 videos, found 1')
        levels: tuple[list[Tensor], list[Tensor]] = ([], [])
        for fold in range(_FOLDS):
            inside, outside = (
                _Part(dataset, [i for i, x in enumerate(folds) if (x == fold) == same]) for same in (1, 0)
            )
            space = MODELS.build(self.similarity_cfg)
            space.fit(outside)
            _add_levels(space, inside, _sentence(outside.loaded(0)), levels)
        weight, bias = discriminant(*(torch.stack(part).double() for part in levels))
        self.level_weight.copy_(weight)
        self.level_bias.copy_(bias)
        self.similarity.fit(dataset)
        self.fitted.fill_(True)

    def _candidates(self, outputs: Outputs) -> Tensor:
        proposals = outputs.memory.proposals
        if proposals is None:
            raise ValueError("ExistenceHead: source='candidates' needs a ProposalMapDetector; set source='clips'")
        rows = outputs.features.rows
        moments, sentences = proposals.iou.unit()
        weights = (proposals.iou.cosine(rows) / self._SHARPNESS).softmax(-1)
        moments = moments if rows is None else moments[rows]
        attended = (weights.unsqueeze(1) @ moments).squeeze(1)
        return attended * sentences * sentences.shape[-1]  # products of unit vectors are of the size of 1 / D


class _Part:
    """Some samples of a data set."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def loaded(self, index: int) -> dict[str, Any]:
        return self.dataset.loaded(self.indices[index])


def _sentence(sample: dict[str, Any]) -> Tensor:
    return torch.tensor(sample['text_feat'], dtype=torch.float32).mean(0)


def _add_levels(space: SimilarityMap, part: _Part, other: Tensor, levels: tuple[list[Tensor], list[Tensor]]) -> None:
    """Add the levels of every video with its sentence, and with the one before that is about another video."""
    vid, before = None, other
    for index in range(len(part)):
        sample = part.loaded(index)
        if not sample.get('relevant_windows'):
            continue
        if sample['vid'] != vid:
            vid, other = sample['vid'], before
        before = _sentence(sample)
        clips = space.video(torch.tensor(sample['video_feat']))
        mask = torch.ones(1, len(clips), dtype=torch.bool)
        for vectors, text in zip(levels, (before, other)):
            vectors += similarity_levels((clips @ space.text(text))[None], mask)


def similarity_levels(cosine: Tensor, mask: Tensor) -> Tensor:
    """Maximum, mean, and maximum of the mean of three clips in a row.

    Args:
        cosine: Cosines of clips with a sentence (B, L).
        mask: Clips that exist (B or 1, L), contiguous from the first.

    Returns:
        Shape (B, 3).
    """
    number = mask.sum(1).to(cosine.dtype)
    best = [x.masked_fill(~mask, -1).amax(1) for x in (cosine, neighbour_mean(cosine, mask, 3))]
    return torch.stack([best[0], cosine.where(mask, 0.0).sum(1) / number, best[1]], dim=-1)


def discriminant(together: Tensor, apart: Tensor) -> tuple[Tensor, Tensor]:
    """Log odds of two classes of equal size, normal with a common covariance (Fisher's linear discriminant).

    Args:
        together: Vectors of the first class (N, D).
        apart: Vectors of the other one (M, D).

    Returns:
        Weight (D,) and bias: ``x @ weight + bias`` is positive on the side of the first class.
    """
    first, second = together.mean(0), apart.mean(0)
    centred = torch.cat([together - first, apart - second])
    covariance = centred.T @ centred / max(len(centred) - 2, 1)
    # A thousandth of the variances: levels of short videos are nearly the same.
    covariance += torch.eye(len(first), dtype=first.dtype) * (1e-3 * covariance.diagonal().mean() + 1e-8)
    weight = torch.linalg.solve(covariance, first - second)
    return weight, -(weight @ (first + second)) / 2
