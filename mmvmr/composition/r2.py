"""The component of R2-Tuning (ECCV 2024)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage
from mmvmr.composition.edits import encoder_chain, fuses_late, is_kind, swapping_parent
from mmvmr.models.encoders import DummyTokenEncoder
from mmvmr.models.fusions import RecurrentLayerFusion
from mmvmr.models.projectors import FrontDoorProjector
from mmvmr.registry import COMPONENTS
from mmvmr.utils.config import resolve_features, separate_features

_STREAM = 'clip_layers'
#: Extractions of configs/features by the length of a clip in seconds.
_EXTRACTIONS = {1.0: 'clip_b32_layers_1fps', 2.0: 'clip_b32_layers_2s'}
_SIMILARITY = 'similarities compare clips and text tokens of one space, and layers of an encoder are in none'


@COMPONENTS.register_module('r2.refinement')
class LayerRefinement(Component):
    """Clips refined with layers of a frozen CLIP, whose features take the place of the others.

    Clips are refined in front of the encoder. Of the projector only the dropout stays. The folders of the features are
    those that the authors of R2-Tuning share, below the same ``data_root``.

    Args:
        layers: Layers that the feature files hold.
        tokens: Tokens of a frame in each of them.
        channels: Channels of a frame token.
        text_channels: Channels of a text token.
    """

    source = 'R2-Tuning, section 3.2 (R2 block)'
    slots = ('feature_spec', 'stores', 'model.projector', 'model.encoder')
    stage = Stage.FUSION
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {'ProposalMapDetector': 'this model averages clips before they meet a sentence'}
    excludes = dict.fromkeys(('sim.stream', 'sim.anchors', 'sim.bias'), _SIMILARITY)

    def __init__(self, layers: int = 4, tokens: int = 50, channels: int = 768, text_channels: int = 512):
        self.shared = dict(feature_layers=layers, frame_tokens=tokens)
        self.dims = (layers * tokens * channels, layers * text_channels)

    def apply(self, cfg: Config) -> None:
        """Exchange features and projector, and refine clips after sentences were swapped."""
        if fuses_late(cfg):
            raise CompositionError(
                'this model encodes a video once for all its sentences, and refined clips belong to one sentence'
            )
        if any(is_kind(encoder.get('fusion'), RecurrentLayerFusion) for encoder in encoder_chain(cfg)):
            raise AlreadyThereError('clips of this model are refined with layers of an encoder already')
        if is_kind(cfg.model.projector, FrontDoorProjector):
            raise CompositionError('clips of this model attend to prototypes of videos, which layers of vectors lack')
        if any(is_kind(encoder, DummyTokenEncoder) for encoder in encoder_chain(cfg)):
            raise CompositionError('this model adds learned tokens to the text tokens, and those have no layers')
        parent = swapping_parent(cfg)
        fusion = dict(type='RecurrentLayerFusion', layer=dict(type='RefinementLayer'))
        parent['encoder'] = dict(type='FusionEncoder', fusion=fusion, encoder=parent['encoder'])
        separate_features(cfg)
        self._exchange_features(cfg)
        dropout = cfg.model.projector.get('input_dropout')
        options = {} if dropout is None else dict(input_dropout=dropout)
        cfg.model.projector = dict(type='LayerProjector', **options)
        cfg.model.shared = {**(cfg.model.get('shared') or {}), **self.shared}
        resolve_features(cfg)

    def _exchange_features(self, cfg: Config) -> None:
        if not cfg.get('feature_spec'):
            raise CompositionError('the config has no feature_spec at its top level to exchange')
        (video, text), common = self.dims, dict(normalise='none')
        streams: dict[str, Any] = {_STREAM: dict(dim=video, **common)}
        features = dict(cfg.feature_spec, streams=streams, text=dict(dim=text, max_length=77, **common), tef=True)
        cfg.feature_spec = features
        if cfg.get('stores'):
            cfg.stores = {
                _STREAM: dict(type='FolderStore', folder='clip_b32_vid_k4', template='{vid}.npy'),
                'text': dict(type='FolderStore', folder='clip_b32_txt_k4', template='{qid}.npy'),
            }
        if 'extraction' in cfg:
            cfg.extraction = _EXTRACTIONS.get(float(features['clip_len']))
