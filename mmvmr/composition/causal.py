"""Components of CausalVTG (NeurIPS 2025)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage
from mmvmr.composition.edits import add_losses, encoder_chain, fuses_late, is_kind
from mmvmr.models.encoders import MismatchedVideoEncoder
from mmvmr.models.projectors import ClipPoolProjector, FrontDoorProjector, LayerProjector
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('causal.front_door')
class FrontDoorAdjustment(Component):
    """Clips and text tokens attend to prototypes of all videos and sentences (front-door adjustment).

    Args:
        num_prototypes: Prototypes of each modality.
        momentum: What a prototype keeps of itself when a sample moves it.
    """

    source = 'CausalVTG, causality-aware disentangled encoder'
    slots = ('model.projector',)
    stage = Stage.FUSION
    detectors = ('MomentDetector', 'PointDetector', 'ProposalMapDetector')
    excludes = {'r2.refinement': 'a prototype is one vector of a video, and its clips are several layers of vectors'}

    def __init__(self, num_prototypes: int = 256, momentum: float = 0.5):
        self.options: dict[str, Any] = dict(num_prototypes=num_prototypes, momentum=momentum)

    def apply(self, cfg: Config) -> None:
        """Wrap the projector."""
        inner = cfg.model.projector
        if is_kind(inner, FrontDoorProjector):
            raise AlreadyThereError('the projector of this model is a FrontDoorProjector already')
        if inner.get('text_encoder') is not None:
            raise CompositionError(
                'sentences reach the text encoder of this model as token numbers, of which there are no prototypes'
            )
        if is_kind(inner, LayerProjector):
            raise CompositionError(
                'this model refines clips with several layers of vectors, and a prototype is one vector of a video'
            )
        widths = {name: inner.pop(name) for name in ('video_dims', 'text_dims') if name in inner}
        options = dict(self.options)
        if is_kind(inner, ClipPoolProjector):  # it leaves text tokens as they are
            options['text_embed_dims'] = cfg.model.shared.word_dims
        dataset = cfg.get('train_dataloader', {}).get('dataset', {})
        if not dataset.get('pipeline', {}).get('tef', True):
            options['endpoint_dims'] = 0
        # Widths last, where they are put when a file is read that does not state them. Those of the inner projector
        # follow from the outer ones; they are stated, as files that inherit a base with widths cannot take them away.
        cfg.model.projector = dict(type='FrontDoorProjector', **options, projector={**inner, **widths}, **widths)


@COMPONENTS.register_module('causal.relevance')
class CounterfactualRelevance(Component):
    """A head that says whether there is a moment, trained on sentences with videos of other samples.

    Args:
        weight: Factor of its loss.
        similar: Take the video of the most similar sentence, too, besides that of the next sample.
    """

    source = 'CausalVTG, counterfactual contrastive learning'
    slots = ('model.encoder', 'model.existence_head', 'model.criterion.losses.existence')
    stage = Stage.ENCODER
    detectors = ('MomentDetector', 'PointDetector')
    excludes = {'gmr.existence': 'both are the head that says whether there is a moment at all'}
    reasons = {
        'ProposalMapDetector': 'clips and text tokens of this model never attend to each other: side by side they do '
        'not say whether they belong together'
    }

    def __init__(self, weight: float = 0.1, similar: bool = True):
        self.weight = weight
        self.samplers: dict[str, Any] = {'next': dict(type='NextVideoSampler')}
        if similar:
            self.samplers['similar'] = dict(type='SimilarSentenceSampler')

    def apply(self, cfg: Config) -> None:
        """Wrap the encoder, add head and loss."""
        if cfg.model.get('existence_head') is not None:
            raise AlreadyThereError(f'model.existence_head is a {cfg.model.existence_head.type} already')
        if fuses_late(cfg):
            raise CompositionError(
                'this model encodes a video once for all its sentences, which pairs with other videos would undo'
            )
        if any(is_kind(encoder, MismatchedVideoEncoder) for encoder in encoder_chain(cfg)):
            raise AlreadyThereError('the encoder of this model takes videos of other samples already')
        cfg.model.encoder = dict(type='MismatchedVideoEncoder', samplers=self.samplers, encoder=cfg.model.encoder)
        cfg.model['existence_head'] = dict(type='RelevanceHead')
        add_losses(cfg, existence=dict(type='ExistenceLoss', weight=self.weight))
