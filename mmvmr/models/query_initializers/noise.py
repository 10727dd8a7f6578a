"""Denoising: extra queries that start near the ground truth while training (SA-DETR, after DN-DETR and DINO)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from einops import rearrange
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmvmr.models.query_initializers.learned import LearnedQueryInitializer
from mmvmr.registry import MODELS
from mmvmr.structures import (
    DenoisingPairs,
    Memory,
    MomentTargets,
    Queries,
    QueryGroup,
    spans_to_point_distances,
    to_center_width,
    to_start_end,
)
from mmvmr.utils import check_choice

_CONTRASTIVE = ('none', 'fixed', 'course')
_CENTER_NOISE = ('center', 'width')
_NO_ANCHORS = (
    'noise queries need direct queries with anchors: set query_initializer.direct to e.g. '
    'LearnedAnchorQueryInitializer or DynamicAnchorQueryInitializer'
)


def add_noise(spans: Tensor, low: float, high: float, center_noise: str = 'center', min_width: float = 1e-3) -> Tensor:
    """Move and stretch spans by a random amount between two scales.

    Center and width draw a magnitude m in [low, high] and a sign each: ``c' = c +- m c / 2`` and ``w' = w +- m w``.
    The result is cut to the video, which can move a span at its edge further than m.

    Args:
        spans: Normalised (center, width) (..., 2).
        low: Smallest magnitude; 0 for positive noise.
        high: Largest magnitude.
        center_noise: ``center`` is the formula above, as SA-DETR prints it; ``width`` moves the center by
            ``m w / 2`` (DN-DETR).
        min_width: Smallest width of the result (normalised).

    Returns:
        (..., 2): spans inside [0, 1] with positive width.
    """
    sign = (torch.rand_like(spans) < 0.5).to(spans.dtype) * 2 - 1
    magnitude = low + (high - low) * torch.rand_like(spans)
    center, width = spans.unbind(-1)
    reach = torch.stack(((center if center_noise == 'center' else width) / 2, width), dim=-1)
    center, width = (spans + sign * magnitude * reach).unbind(-1)
    width = width.clamp(min_width, 1)
    # Half the smallest width away from the edges, cutting leaves at least the smallest width.
    center = center.clamp(min_width / 2, 1 - min_width / 2)
    return to_center_width(to_start_end(torch.stack((center, width), dim=-1)).clamp(0, 1))


@MODELS.register_module()
class NoiseQueryGenerator(nn.Module):
    """Noised copies of the ground truth as additional queries (SA-DETR, section 3.3).

    A *group* is, as in DINO, one positive copy and one negative copy of every ground-truth span of the sample. Its
    queries see each other and the direct queries, not other groups: several copies of a moment, averaged, would give
    the answer away. All groups form one block of queries named ``noise``, group by group (G positives, then G
    negatives). Positives have their span as target. Negatives have none;
    :class:`DenoisingPairs` holds for every positive the index of its negative.

    Args:
        embed_dims: Channels D.
        num_groups: Number of groups N_n.
        positive_scale: Scale sigma_p of positive noise.
        negative_scale: Scale sigma_n of negative noise, whose magnitude is in [sigma_p, sigma_n].
        contrastive: ``none`` makes no negatives, ``fixed`` keeps sigma_n, ``course`` lets sigma_n shrink linearly to
            sigma_p over the training (course learning, table 8).
        center_noise: See :func:`add_noise`.
        min_width: See :func:`add_noise`.

    Raises:
        ValueError: If an option is unknown, the scales are not ordered, or there is no group.
    """

    def __init__(
        self,
        embed_dims: int,
        num_groups: int = 5,
        positive_scale: float = 0.2,
        negative_scale: float = 0.6,
        contrastive: str = 'fixed',
        center_noise: str = 'center',
        min_width: float = 1e-3,
    ):
        super().__init__()
        self.negative_scale = negative_scale
        self.center_noise = check_choice(self, 'center_noise', center_noise, _CENTER_NOISE)
        if not 0 <= positive_scale <= negative_scale < 1:
            raise ValueError(
                f'NoiseQueryGenerator: positive_scale={positive_scale}, negative_scale={negative_scale}, '
                'expected 0 <= positive_scale <= negative_scale < 1'
            )
        if num_groups < 1:
            off = 'remove model.query_initializer.noise to train without noise queries'
            raise ValueError(f'NoiseQueryGenerator: num_groups={num_groups}, expected at least 1 ({off})')
        self.num_groups = num_groups
        self.positive_scale = positive_scale
        self.contrastive = check_choice(self, 'contrastive', contrastive, _CONTRASTIVE)
        self.min_width = min_width
        self.content = nn.Parameter(torch.ones(embed_dims))

    def forward(self, queries: Queries, targets: MomentTargets) -> Queries:
        """Append the noise queries of a batch.

        Args:
            queries: Queries with anchors, (center, width) or boundary-oriented moments (BAM-DETR).
            targets: Ground truth.

        Returns:
            The queries followed by the block ``noise``, with the attention mask that hides it from them.

        Raises:
            ValueError: If the queries have no anchors or already have an attention mask.
        """
        self._check(queries)
        copies = 1 if self.contrastive == 'none' else 2
        anchors, valid = self._anchors(targets, copies)  # (B, K, copies, G, 2), (B, K, copies, G)
        batch, groups, _, spans = valid.shape
        start, count = queries.anchors.shape[1], groups * copies * spans
        positive = torch.arange(copies, device=valid.device) == 0
        source = torch.arange(spans, device=valid.device).where(valid & positive[:, None], -1)
        partner = rearrange(torch.arange(count, device=valid.device), '(k c g) -> k c g', k=groups, c=copies) + spans
        partner = partner.where(source >= 0, -1) if copies == 2 else torch.full_like(source, -1)
        flat = 'b k c g -> b (k c g)'  # group by group, its positives before its negatives
        block = QueryGroup(
            'noise',
            start,
            start + count,
            matched_gt=rearrange(source, flat),
            mask=rearrange(valid, flat),
            extras=(DenoisingPairs(rearrange(partner, flat)),),
        )
        # Content of several states side by side (BAM-DETR) starts equal.
        content = self.content.repeat(queries.content.shape[-1] // len(self.content)).expand(batch, count, -1)
        noised = rearrange(anchors, 'b k c g coordinate -> b (k c g) coordinate')
        if queries.anchors.shape[-1] == 3:
            noised = spans_to_point_distances(noised)
        return dataclasses.replace(
            queries,
            content=torch.cat((queries.content, content), dim=1),
            anchors=torch.cat((queries.anchors, noised), dim=1),
            groups=[*queries.groups, block],
            attn_mask=self._attn_mask(start, valid),
        )

    def current_negative_scale(self) -> float:
        """Scale of negative noise at this point of the training."""
        if self.contrastive != 'course':
            return self.negative_scale
        hub = MessageHub.get_current_instance()
        progress = hub.get_info('iter', 0) / max(hub.get_info('max_iters', 1), 1)
        return self.positive_scale + (self.negative_scale - self.positive_scale) * max(1 - progress, 0)

    def _anchors(self, targets: MomentTargets, copies: int) -> tuple[Tensor, Tensor]:
        """Noised spans (B, K, copies, G, 2) and which of them exist (B, K, copies, G)."""
        spans = targets.spans[:, None].expand(-1, self.num_groups, -1, -1)
        scales = [(0.0, self.positive_scale), (self.positive_scale, self.current_negative_scale())]
        noised = [add_noise(spans, low, high, self.center_noise, self.min_width) for low, high in scales[:copies]]
        valid = targets.span_mask[:, None, None].expand(-1, self.num_groups, copies, -1)
        return torch.stack(noised, dim=2), valid

    @staticmethod
    def _attn_mask(start: int, valid: Tensor) -> Tensor:
        """Attention mask (B, N, N): every query attends to the first ``start``, noise to valid ones of its group."""
        batch, groups, copies, spans = valid.shape
        size = copies * spans
        group = torch.arange(groups * size, device=valid.device) // size
        noise = (group[:, None] == group) & rearrange(valid, 'b k c g -> b 1 (k c g)')
        total = start + groups * size
        mask = torch.zeros(batch, total, total, dtype=torch.bool, device=valid.device)
        mask[:, :, :start] = True
        mask[:, start:, start:] = noise
        return mask

    @staticmethod
    def _check(queries: Queries) -> None:
        if queries.anchors is None:
            raise ValueError(_NO_ANCHORS)
        if queries.attn_mask is not None:
            raise ValueError('noise queries cannot be appended to queries that already have an attention mask')


@MODELS.register_module()
class DualPathQueryInitializer(nn.Module):
    """Direct queries from any initializer and, while training, noise queries next to them (SA-DETR, section 3.3).

    Args:
        direct: Config of the initializer of the queries that predict.
        noise: Config of a module ``f(queries, targets) -> queries``, e.g. :class:`NoiseQueryGenerator`; None for
            none.

    Raises:
        ValueError: If there should be noise next to queries without anchors.
    """

    def __init__(self, direct: dict[str, Any], noise: dict[str, Any] | None = None):
        super().__init__()
        self.direct = MODELS.build(direct)
        self.noise = None if noise is None else MODELS.build(noise)
        if self.noise is not None and isinstance(self.direct, LearnedQueryInitializer):
            raise ValueError(_NO_ANCHORS)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Direct queries; in training mode with targets, followed by noise queries.

        Where no sample of the batch has ground truth, these are all padding, and their parameters stay in the graph.
        """
        queries = self.direct(memory, targets)
        if self.noise is None or targets is None or not self.training:
            return queries
        return self.noise(queries, targets)
