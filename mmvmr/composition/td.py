"""Components of TD-DETR (ICCV 2025)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage
from mmvmr.composition.edits import add_view, has_slot, inner_encoder, is_kind
from mmvmr.models.fusions import DynamicsCrossFusion, TemporalDynamicsFusion
from mmvmr.registry import COMPONENTS
from mmvmr.utils import check_choice

_STRATEGIES = {'similar': 'SimilarVideoSampler', 'random': 'RandomVideoSampler', 'dissimilar': 'DissimilarVideoSampler'}


@COMPONENTS.register_module('td.synthesizer')
class VideoSynthesizer(Component):
    """An additional view of every sample: its moments among other clips of its video and of another.

    Args:
        alpha: Share of the own context that stays; 1 - ``alpha`` is the share of the partner's clips.
        strategy: Which partner: one of the most ``similar`` videos, a ``random`` or one of the most ``dissimilar``.
        index: File of ``build_similar_videos.py``; None compares the videos in memory, for small sets.
    """

    source = 'TD-DETR, section 3.1, eq. 10'
    slots = ('train_dataloader.dataset.pipeline.augment', 'train_dataloader.dataset.pipeline.pool')
    stage = Stage.DATA
    detectors = ()

    def __init__(self, alpha: float = 0.7, strategy: str = 'similar', index: str | None = None):
        check_choice('', 'strategy', strategy, _STRATEGIES, error=CompositionError)
        if index is not None and strategy == 'random':
            raise CompositionError(f'strategy=random needs no index, got {index!r}')
        partner: dict[str, Any] = dict(type=_STRATEGIES[strategy])
        if index is not None:
            partner['index'] = index
        self.transform = dict(type='SynthesizeVideo', alpha=alpha, partner=partner)

    def apply(self, cfg: Config) -> None:
        """Add the transform; where all videos have one number of clips (SnAG), synthesized ones get it too."""
        add_view(cfg, 'synthesis', self.transform)
        pipeline = cfg.train_dataloader.dataset.pipeline
        length = (pipeline.get('load') or {}).get('length')
        if length is not None and pipeline.get('pool') is None:
            pipeline['pool'] = dict(type='ResampleClips', length=length)


@COMPONENTS.register_module('td.dynamics')
class TemporalDynamics(Component):
    """A second path, parallel to the fusion, from temporal differences to text tokens.

    Args:
        beta: Weight of the path from the clips; 1 leaves the model as it is.
    """

    source = 'TD-DETR, section 3.2, eq. 11'
    slots = ('model.encoder (fusion)',)
    stage = Stage.FUSION
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {
        'ProposalMapDetector': 'clips and text tokens of this model never attend to each other: there is no fusion'
    }

    def __init__(self, beta: float = 0.7):
        self.beta = beta

    def apply(self, cfg: Config) -> None:
        """Wrap the fusion; an encoder without one (Moment-DETR, EaTR) gets the second path in front of its layers."""
        encoder = inner_encoder(cfg)
        if not has_slot(encoder, 'fusion'):
            raise CompositionError(f'{encoder.type} has no slot `fusion`')
        fusion = encoder.get('fusion')
        if is_kind(fusion, (TemporalDynamicsFusion, DynamicsCrossFusion)):
            raise AlreadyThereError(f'the fusion of this model is {fusion.type} already')
        wrapped = {} if fusion is None else dict(fusion=fusion)
        encoder['fusion'] = dict(type='TemporalDynamicsFusion', beta=self.beta, **wrapped)
