"""Components of LA-DETR with MomentMix (2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage, refuse_idle
from mmvmr.composition.edits import add_view, direct_initializer, has_slot, is_kind, losses
from mmvmr.models.query_initializers import LengthwiseQueryInitializer
from mmvmr.models.task_modules import HungarianAssigner, LengthwiseAssigner
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('la.moment_mix')
class MomentMix(Component):
    """Two additional views: long moments cut into short ones, and moments among those of other videos.

    Args:
        piece: Mean length in seconds of the pieces of a cut moment.
        shortest: Only samples with a moment up to this many seconds get other surroundings.
        foreground: Add the first view.
        background: Add the second view.
    """

    source = 'LA-DETR, MomentMix'
    slots = ('train_dataloader.dataset.pipeline.augment',)
    stage = Stage.DATA
    detectors = ()

    def __init__(self, piece: float = 10.0, shortest: float = 30.0, foreground: bool = True, background: bool = True):
        if not (foreground or background):
            raise CompositionError('foreground and background are both False: there is no view to add')
        if not foreground:
            refuse_idle(type(self), {'piece': piece}, 'with foreground=False no moment is cut')
        if not background:
            refuse_idle(type(self), {'shortest': shortest}, 'with background=False no surroundings are exchanged')
        self.views: dict[str, dict[str, Any]] = {}
        if foreground:
            self.views['foreground_mix'] = dict(type='ForegroundMix', piece=piece)
        if background:
            self.views['background_mix'] = dict(type='BackgroundMix', shortest=shortest)

    def apply(self, cfg: Config) -> None:
        """Add the transforms."""
        for name, transform in self.views.items():
            add_view(cfg, name, transform)


@COMPONENTS.register_module('la.matching')
class LengthwiseMatching(Component):
    """Queries for classes of length, each matched only with moments of its class.

    Args:
        bounds: Longest moment of every class but the last, in seconds.
    """

    source = 'LA-DETR, length-aware decoder'
    slots = ('model.query_initializer', 'model.criterion.assigner')
    stage = Stage.GROUPS  # around the queries that another component has put in place

    def __init__(self, bounds: Sequence[float] = (13.8, 32.0, 55.0)):
        self.bounds = list(bounds)

    def apply(self, cfg: Config) -> None:
        """Repeat the queries for every class and change the assigner."""
        losses(cfg)
        assigner = cfg.model.criterion.get('assigner')
        if not is_kind(assigner, HungarianAssigner):
            raise CompositionError('model.criterion.assigner is no HungarianAssigner, whose matching it restricts')
        parent, key = direct_initializer(cfg)
        if is_kind(assigner, LengthwiseAssigner) or is_kind(parent, LengthwiseQueryInitializer):
            raise AlreadyThereError('queries of this model have classes of length already')
        clip_len = _clip_len(cfg)
        parent[key] = dict(type='LengthwiseQueryInitializer', initializer=parent[key], num_classes=len(self.bounds) + 1)
        assigner.update(type='LengthwiseAssigner', bounds=[round(bound / clip_len, 6) for bound in self.bounds])


@COMPONENTS.register_module('la.length_weight')
class LengthWeight(Component):
    """Weight losses on spans by a Gaussian of the length, so that short moments count more.

    Args:
        sigma: Standard deviation of the Gaussian in seconds.
        extra: Added weight of a moment of length 0; a very long one has weight 1.
    """

    source = 'LA-DETR, official code (length_span_weight, length_giou_weight)'
    slots = ('model.criterion.losses.<span>.pair_weight',)
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {'ProposalMapDetector': 'this model scores fixed candidates and has no loss on spans'}

    def __init__(self, sigma: float = 60.0, extra: float = 1.0):
        self.sigma = sigma
        self.extra = extra

    def apply(self, cfg: Config) -> None:
        """Weight the pairs of every loss that has a slot for it."""
        weighted = [loss for loss in losses(cfg).values() if loss is not None and has_slot(loss, 'pair_weight')]
        if not weighted:
            raise CompositionError('model.criterion.losses has no loss on matched spans with a slot `pair_weight`')
        if any(loss.get('pair_weight') is not None for loss in weighted):
            raise AlreadyThereError('losses on spans of this model weight their pairs already')
        sigma = round(self.sigma / _clip_len(cfg), 6)
        for loss in weighted:
            loss.pair_weight = dict(type='ShortMomentWeight', sigma=sigma, extra=self.extra)


def _clip_len(cfg: Config) -> float:
    """Seconds per clip of the training data."""
    dataset = cfg.train_dataloader.dataset
    return dataset.get('feature_spec', dataset).clip_len  # a synthetic data set has no feature_spec
