"""Existence head: whether the video shows what the sentence describes at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP, instance_token, masked_max, masked_mean
from mmvmr.registry import MODELS
from mmvmr.structures import Existence, Outputs
from mmvmr.utils import check_choice

_SOURCES = ('queries', 'clips', 'token', 'candidates')


@MODELS.register_module()
class ExistenceHead(nn.Module):
    """Two linear layers on one pooled vector per video-sentence pair (adapter of Soccer-GMR, 2026).

    The probability is ``sigmoid(logit / temperature)``; ``temperature`` and ``threshold`` are buffers, which
    ``tools/analysis_tools/calibrate_existence.py`` fits and the checkpoint keeps.

    Args:
        embed_dims: Channels D of the pooled vector.
        source: ``queries``, the last states of the moment queries that predict, as published; ``clips``, the encoded
            clips (of all levels); ``token``, the vector of the pair that the encoder makes; ``candidates``, for
            detectors that compare candidate moments with sentences: the product of the sentence and the mean
            candidate, weighted by their similarity.
        pool: ``max`` or ``mean`` over queries or clips.

    Raises:
        ValueError: If an option is unknown.
    """

    temperature: Tensor
    threshold: Tensor
    #: Divides the cosines whose softmax weighs the candidates.
    _SHARPNESS = 0.1

    def __init__(self, embed_dims: int, source: str = 'queries', pool: str = 'max'):
        super().__init__()
        self.source = check_choice(self, 'source', source, _SOURCES)
        self.pool = check_choice(self, 'pool', pool, ('max', 'mean'))
        self.mlp = MLP(embed_dims, embed_dims, 1, 2)
        self.register_buffer('temperature', torch.tensor(1.0))
        self.register_buffer('threshold', torch.tensor(0.5))

    def forward(self, outputs: Outputs) -> Existence:
        """Judge every pair of the batch.

        Args:
            outputs: Of the other stages.

        Returns:
            Logits, probabilities and decisions (B,).

        Raises:
            ValueError: If the detector has nothing of the kind that ``source`` names.
        """
        logits = self.mlp(self.vector(outputs)).squeeze(-1).float()
        probability = (logits / self.temperature).sigmoid()
        return Existence(logits, probability, probability > self.threshold)

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
