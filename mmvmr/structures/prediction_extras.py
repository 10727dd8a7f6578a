"""Extras of decoders, query initializers and heads; see :mod:`mmvmr.structures.extras`."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from mmvmr.structures.extras import Extra
from mmvmr.structures.tensors import batch_axis


@dataclass(frozen=True)
class BoundaryPathways(Extra):
    """Points with their distances, and boundary evidence, of BAM-DETR's decoder.

    Attributes:
        point_distances: (p, d_s, d_e) before the first and after every layer (S + 1, B, N, 3).
        evidence: Features of starts and ends (2, B, Lv, D).
    """

    written_by = 'DualPathDecoder: set it as model.decoder'

    point_distances: Tensor = field(metadata=batch_axis(1))
    evidence: Tensor = field(metadata=batch_axis(1))


@dataclass(frozen=True)
class DenoisingPairs(Extra):
    """Pairs of positive and negative denoising queries (SA-DETR).

    Attributes:
        negative: For every positive the index of its negative in the group (B, n), -1 elsewhere.
    """

    written_by = 'NoiseQueryGenerator: set it as model.query_initializer.noise'

    negative: Tensor


@dataclass(frozen=True)
class PointPredictions(Extra):
    """Properties of predictions at the points of a video.

    Attributes:
        step: Distance between points of the finest level (B, 1).
        offsets: Distances to start and end before their scaling (B, P, 2); None once predictions are reduced.
        prior: Factors of the scores (B, P), where the data bring some.
    """

    written_by = 'PointHead: set it as model.point_head'

    step: Tensor
    offsets: Tensor | None = None
    prior: Tensor | None = None


@dataclass(frozen=True)
class ProposalScores(Extra):
    """Scores of candidate moments in the two joint spaces of MMN.

    Attributes:
        contrastive: Cosines in the contrastive space (B, M).
        iou: Scaled and squashed cosines in the IoU space (B, M).
    """

    written_by = 'ProposalHead: set it as model.moment_head'

    contrastive: Tensor
    iou: Tensor
