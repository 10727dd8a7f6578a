"""Relevance head: whether a sentence is about a video, learned from videos of other samples (CausalVTG)."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from mmvmr.models.heads.existence_head import CalibratedHead
from mmvmr.models.layers import masked_mean
from mmvmr.registry import MODELS
from mmvmr.structures import Existence, Memory, MismatchedVideos, Outputs


@MODELS.register_module()
class RelevanceHead(CalibratedHead):
    """A norm and a linear layer on ``[mean clip ; mean text token]`` (CausalVTG, counterfactual contrastive learning).

    While training it judges the pairs of :class:`MismatchedVideoEncoder`, too, which :class:`ExistenceLoss` takes in.

    Args:
        embed_dims: Channels D of clips and text tokens.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.norm = nn.LayerNorm(2 * embed_dims)
        self.linear = nn.Linear(2 * embed_dims, 1)

    def forward(self, outputs: Outputs) -> Existence:
        """Judge every pair of the batch.

        Args:
            outputs: Of the other stages. Text tokens are those of the encoder, or of the projector where it keeps none.

        Returns:
            Logits, probabilities and decisions (B,), and logits of mismatched pairs where there are some.
        """
        existence = self.judged(self._logits(outputs.memory, outputs))
        pairs = outputs.memory.find(MismatchedVideos)
        if pairs is None:
            return existence
        mismatched = torch.stack([self._logits(memory, outputs) for memory in pairs.memories], dim=1)
        return dataclasses.replace(existence, mismatched=mismatched, same_video=pairs.same_video)

    def _logits(self, memory: Memory, outputs: Outputs) -> Tensor:
        text = outputs.features.text if memory.text is None else memory.text
        means = [masked_mean(tokens.feat, tokens.mask) for tokens in (memory.video, text)]
        return self.linear(self.norm(torch.cat(means, dim=-1))).squeeze(-1).float()
