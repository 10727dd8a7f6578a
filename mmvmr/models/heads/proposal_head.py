"""Scores of candidate moments."""

from __future__ import annotations

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Memory, PredictionSet, ProposalScores


@MODELS.register_module()
class ProposalHead(nn.Module):
    """Scores of candidate moments from two joint spaces: ``(0.5 c + 0.5)^p x sigmoid(s x o)`` (MMN, section 3.4).

    ``c`` and ``o`` are the cosines of a moment and a sentence in the contrastive space and in the IoU space.

    Args:
        power: Exponent p of the contrastive score.
        scale: Factor s of the cosine in the IoU space.
    """

    def __init__(self, power: float = 0.5, scale: float = 10.0):
        super().__init__()
        self.power = power
        self.scale = scale

    def forward(self, memory: Memory, rows: Tensor | None = None) -> list[PredictionSet]:
        """Score the candidates of every sentence.

        Args:
            memory: With ``proposals`` of V videos and B sentences.
            rows: Video of every sentence (B,); None where each has its own.

        Returns:
            One set of M candidates per sentence, with the :class:`ProposalScores` of both spaces.
        """
        proposals = memory.proposals
        contrastive = proposals.contrastive.cosine(rows)
        iou = (self.scale * proposals.iou.cosine(rows)).sigmoid()
        scores = ProposalScores(contrastive, iou)
        # The cosine may be a rounding error below -1.
        score = (0.5 * contrastive + 0.5).clamp(min=0).pow(self.power) * iou
        spans = proposals.spans if rows is None else proposals.spans[rows]
        return [PredictionSet('direct', spans, final=True, quality=score, extras=(scores,))]
