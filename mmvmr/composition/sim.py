"""Similarity as a component: what features know about clips and sentences before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage, refuse_idle
from mmvmr.composition.edits import (
    direct_initializer,
    encoder_chain,
    give_anchors,
    has_slot,
    is_kind,
    losses,
    swapping_parent,
)
from mmvmr.models.encoders import SimilarityEncoder
from mmvmr.models.fusions import TextToVideoFusion
from mmvmr.models.projectors import LayerProjector
from mmvmr.models.query_initializers import SimilarityAnchorQueryInitializer
from mmvmr.registry import COMPONENTS, MODELS

_SOURCE = 'mmvmr (not published)'
NO_VECTORS = 'similarities compare vectors of clips and text tokens; inputs of this model are layers or token numbers'


def similarity_map(kind: str, penalty: float, stream: str | None = None) -> dict[str, Any]:
    """The config of a :class:`SimilarityMap`, whose channels follow from the features; see there for the options."""
    if kind == 'given':
        refuse_idle(SimilarityStream, {'penalty': penalty}, "with kind='given' no map is fitted")
    options = dict(stream=stream, kind=kind, penalty=None if kind == 'given' else penalty)
    return dict(type='SimilarityMap', **{key: value for key, value in options.items() if value is not None})


def has_vectors(cfg: Config) -> bool:
    """True if clips and text tokens come as one vector each, which a similarity can compare.

    Encoder layers share no space with text, and token ids are not vectors.
    """
    projector = cfg.model.projector
    return not is_kind(projector, LayerProjector) and projector.get('text_encoder') is None


def similarity_encoder(cfg: Config, similarity: dict[str, Any]) -> Any:
    """The config of the encoder that computes similarities; a new one goes inside the wrappers that swap sentences.

    Args:
        cfg: The config; changed in place where there is none.
        similarity: The config of the map for a new one.

    Returns:
        The config of the encoder.

    Raises:
        CompositionError: If the inputs of the model cannot be compared.
    """
    if not has_vectors(cfg):
        raise CompositionError(NO_VECTORS)
    around = swapping_parent(cfg)
    for node in encoder_chain(cfg):
        if is_kind(node, SimilarityEncoder):
            _require_one_map(node.similarity, similarity)
            return node
    around['encoder'] = dict(type='SimilarityEncoder', similarity=similarity, stream=False, encoder=around['encoder'])
    return around['encoder']


def _require_one_map(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse options of a second component on the map that both use; those at their defaults follow the first."""
    default = _Similarity().map
    other = [f'{key}={value!r}' for key, value in wanted.items() if value not in (default.get(key), present.get(key))]
    if other:
        raise CompositionError(
            f'{", ".join(other)} would change nothing: the map of the similarity is that of the model already '
            f'({present}); give all components of similarity the same options'
        )


class _Similarity(Component):
    source = _SOURCE

    def __init__(self, stream: str | None = None, kind: str = 'ridge', penalty: float = 3.0):
        self.map = similarity_map(kind, penalty, stream)


@COMPONENTS.register_module('sim.stream')
class SimilarityStream(_Similarity):
    """The similarity of clips and sentence, in a space fitted before training, added to the clips.

    Args:
        stream: Name of the video stream that is compared; None for the first one.
        kind: ``given`` where stream and text share a space, ``ridge`` or ``cca`` for a map fitted to training data.
        penalty: Regularisation strength of ``ridge`` and ``cca``.
    """

    slots = ('model.encoder',)
    stage = Stage.ENCODER
    detectors = ('MomentDetector', 'PointDetector')
    reasons: ClassVar[Mapping[str, str]] = {
        'ProposalMapDetector': 'this model compares moments with sentences at its end and has no clips that have seen '
        'a sentence, which a similarity would be added to'
    }

    def apply(self, cfg: Config) -> None:
        """Wrap the inner encoder."""
        node = similarity_encoder(cfg, self.map)
        if node.get('stream', True):
            raise AlreadyThereError('the encoder of this model receives the similarity already')
        node.pop('stream')


@COMPONENTS.register_module('sim.anchors')
class SimilarityAnchors(_Similarity):
    """Queries that start at the windows that stand out by similarity.

    With ``sim.stream`` both use the map of one of them, so give the two the same options.

    Args:
        stream: Name of the video stream that is compared; None for the first one.
        kind: ``given`` where stream and text share a space, ``ridge`` or ``cca`` for a map fitted to training data.
        penalty: Regularisation strength of ``ridge`` and ``cca``.
        longest: Longest window in clips.
        boundary: What a window gains where it starts or ends at a scene change, per deviation of the change.
    """

    slots = ('model.encoder', 'model.query_initializer')
    stage = Stage.QUERIES
    excludes: ClassVar[Mapping[str, str]] = {
        'sa.anchors': 'both say where the same queries start',
        'bm.learnable_spans': 'both say where the same queries start',
    }

    def __init__(
        self,
        stream: str | None = None,
        kind: str = 'ridge',
        penalty: float = 3.0,
        longest: int = 40,
        boundary: float = 0.0,
    ):
        super().__init__(stream, kind, penalty)
        self.longest = longest
        self.boundary = boundary

    def apply(self, cfg: Config) -> None:
        """Replace the anchors of the direct queries, and with predicted ones (SA-DETR) the losses on them."""
        parent, key = direct_initializer(cfg)
        if is_kind(parent[key], SimilarityAnchorQueryInitializer):
            raise AlreadyThereError('the queries of this model start from similarity already')
        similarity_encoder(cfg, self.map)
        give_anchors(cfg)
        parent, key = direct_initializer(cfg)
        anchors = dict(
            type='SimilarityAnchorQueryInitializer', num_queries=parent[key].num_queries, longest=self.longest
        )
        if self.boundary:
            anchors['boundary'] = self.boundary
        if has_slot(parent[key], 'anchors'):
            parent[key]['anchors'] = anchors
        else:
            parent[key] = anchors
        for name, loss in losses(cfg).items():
            if loss is not None and tuple(loss.get('sets') or ()) == ('init',):
                losses(cfg)[name] = None


@COMPONENTS.register_module('sim.bias')
class SimilarityAttentionBias(_Similarity):
    """The similarity of clips and single tokens as a bias of the attention from video to text.

    Args:
        stream: Name of the video stream that is compared; None for the first one.
        kind: ``given`` where stream and text share a space, ``ridge`` or ``cca`` for a map fitted to training data.
        penalty: Regularisation strength of ``ridge`` and ``cca``.
    """

    slots = ('model.encoder',)
    stage = Stage.FUSION

    def apply(self, cfg: Config) -> None:
        """Give the innermost fusion that has a slot for it a bias."""
        node = encoder_chain(cfg)[-1].get('fusion')
        # A subclass has its own attention, which takes no bias.
        while node is not None and MODELS.get(node.type) is not TextToVideoFusion:
            node = node.get('fusion')
        if node is None:
            raise CompositionError('the encoder of this model has no attention from video to text that takes a bias')
        if node.get('bias') is not None:
            raise AlreadyThereError('the attention from video to text has a bias already')
        node['bias'] = dict(type='SimilarityBias', similarity=self.map)
