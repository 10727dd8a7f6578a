"""Components of FlashVTG (WACV 2025)."""

from __future__ import annotations

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage
from mmvmr.composition.edits import add_losses, encoder_chain, is_kind
from mmvmr.models.encoders import FeatureLayeringEncoder, LateFusionEncoder
from mmvmr.models.task_modules import PyramidPoints
from mmvmr.registry import COMPONENTS

_NO_POINTS = {
    'MomentDetector': 'this model predicts by moment queries and has no points',
    'ProposalMapDetector': 'this model scores fixed candidates and has no points',
}


@COMPONENTS.register_module('flash.layering')
class FeatureLayering(Component):
    """Points at several temporal resolutions, each for moments of its length.

    Args:
        num_levels: Number of resolutions.
        center_radius: Points within this many sizes of the middle of a moment predict it.
    """

    source = 'FlashVTG, temporal feature layering'
    slots = ('model.encoder', 'model.point_generator', 'model.criterion.assigner')
    stage = Stage.ENCODER
    detectors = ('PointDetector',)
    reasons = _NO_POINTS

    def __init__(self, num_levels: int = 4, center_radius: float = 1.5):
        self.num_levels = num_levels
        self.center_radius = center_radius

    def apply(self, cfg: Config) -> None:
        """Wrap the encoder, spread the points, restrict their assignment."""
        kinds = (FeatureLayeringEncoder, LateFusionEncoder)
        if any(is_kind(encoder, kinds) for encoder in encoder_chain(cfg)):
            raise AlreadyThereError('points of this model have several temporal resolutions already')
        if not is_kind(cfg.model.point_generator, PyramidPoints):
            raise CompositionError('model.point_generator is no PyramidPoints, whose ranges it sets')
        pyramid = dict(type='ConvPyramid', num_levels=self.num_levels)
        cfg.model.encoder = dict(type='FeatureLayeringEncoder', encoder=cfg.model.encoder, pyramid=pyramid)
        cfg.model.point_generator.update(regression_range=2, sigma=1.0, max_length=100000)
        cfg.model.criterion.assigner.update(
            center_radius=self.center_radius, ranges='closed', overlap='shortest', fallback=False
        )


@COMPONENTS.register_module('flash.score')
class ScoreRefinement(Component):
    """Scores of points mixed with scores that see the points of all resolutions.

    Args:
        kernel_size: Odd kernel size of its convolution.
    """

    source = 'FlashVTG, adaptive score refinement'
    slots = ('model.point_head.refine',)
    stage = Stage.DECODER
    detectors = ('PointDetector',)
    reasons = _NO_POINTS

    def __init__(self, kernel_size: int = 5):
        self.kernel_size = kernel_size

    def apply(self, cfg: Config) -> None:
        """Fill the slot of the head."""
        if cfg.model.point_head.get('refine') is not None:
            raise AlreadyThereError('scores of this model are refined already')
        tower = dict(type='ScoreTower', kernel_size=self.kernel_size)
        cfg.model.point_head.refine = dict(type='ScoreRefinement', tower=tower)


@COMPONENTS.register_module('flash.clip_score')
class ClipAwareScore(Component):
    """Scores of the finest points follow the ratings of clips (L_cas).

    Args:
        weight: Factor of the loss.
    """

    source = 'FlashVTG, clip-aware score loss'
    slots = ('model.criterion.losses.clip_score',)
    detectors = ('PointDetector',)
    reasons = _NO_POINTS

    def __init__(self, weight: float = 4.0):
        self.weight = weight

    def apply(self, cfg: Config) -> None:
        """Add the loss."""
        add_losses(cfg, clip_score=dict(type='ClipAwareScoreLoss', weight=self.weight))
