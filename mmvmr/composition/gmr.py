"""Components of generalized moment retrieval: none, one or many moments (Soccer-GMR, 2026)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage, refuse_idle
from mmvmr.composition.edits import add_losses, add_view, is_kind
from mmvmr.composition.sim import NO_VECTORS, has_vectors, similarity_map
from mmvmr.models.decoders import DualPathDecoder
from mmvmr.models.detectors import PointDetector, ProposalMapDetector
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('gmr.false_premise')
class FalsePremises(Component):
    """An additional view of training samples: their video with a sentence of another, without moments.

    Args:
        share: Part of the samples that get the view.
    """

    source = 'Soccer-GMR, null-set queries'
    slots = ('train_dataloader.dataset.pipeline.augment',)
    stage = Stage.DATA
    detectors = ()

    def __init__(self, share: float = 1.0):
        self.transform: dict[str, Any] = dict(type='FalsePremise', **({} if share == 1 else dict(share=share)))

    def apply(self, cfg: Config) -> None:
        """Add the transform."""
        add_view(cfg, 'false_premise', self.transform)


@COMPONENTS.register_module('gmr.existence')
class ExistenceOfMoments(Component):
    """A head that says whether there is a moment at all: fitted in closed form, or trained as published.

    Args:
        weight: Factor of its loss.
        source: See :class:`ExistenceHead`. None takes the similarity only where there is one: such a head is fitted in
            closed form, nothing is trained for it, and ordinary queries are answered as without it. Without similarity
            it is what the detector has: moment queries (clips where a query has several states), clips of all levels,
            or candidate moments. These are trained with a loss, on queries without a moment: take
            ``gmr.false_premise`` along where annotations have none.
        pool: ``max`` or ``mean`` over queries or clips.
        similarity: Kind of the :class:`SimilarityMap` whose level the head receives; None for none, as published.
            Layers of an encoder and token numbers have none.
        penalty: Regularisation strength of a map that is fitted.
    """

    source = 'Soccer-GMR, GMR adapter'
    slots = ('model.existence_head', 'model.criterion.losses')
    stage = Stage.LOSSES
    detectors = ('MomentDetector', 'PointDetector', 'ProposalMapDetector')

    def __init__(
        self,
        weight: float = 1.0,
        source: str | None = None,
        pool: str = 'max',
        similarity: str | None = 'ridge',
        penalty: float = 3.0,
    ):
        if similarity is None:
            refuse_idle(type(self), {'penalty': penalty}, 'without similarity there is no map to fit')
        self.weight = weight
        self.pool = pool
        self.of_map = {'similarity': similarity, 'penalty': penalty}
        self.similarity = None if similarity is None else similarity_map(similarity, penalty)
        self.head: dict[str, Any] = {} if pool == 'max' else dict(pool=pool)
        self.looks_at = source

    def apply(self, cfg: Config) -> None:
        """Add head and loss."""
        model = cfg.model
        if model.get('existence_head') is not None:
            raise AlreadyThereError(f'model.existence_head is a {model.existence_head.type} already')
        similarity, source = self.similarity, self.looks_at
        if similarity is not None and not has_vectors(cfg):
            refuse_idle(type(self), self.of_map, NO_VECTORS)
            similarity = None
        if source == 'similarity' and similarity is None:
            raise CompositionError('without similarity there is nothing that source=similarity could look at')
        if source is None:
            # On part of Charades-STA (docs/evidence.md) trained heads cost up to 10 points of R1@0.5, and tell no more.
            source = 'similarity' if similarity is not None else _trained_source(model)
        if source in ('token', 'candidates', 'similarity'):
            refuse_idle(type(self), {'pool': self.pool}, f'with source={source!r} the head pools nothing')
        if source == 'similarity':
            refuse_idle(type(self), {'weight': self.weight}, 'a head that looks at the similarity only is not trained')
        head = dict(type='ExistenceHead', **({} if source == 'queries' else dict(source=source)), **self.head)
        if source == 'candidates':
            head['embed_dims'] = model.shared.joint_dims
        if similarity is not None:
            head['similarity'] = similarity
        model['existence_head'] = head
        if source != 'similarity':
            add_losses(cfg, existence=dict(type='ExistenceLoss', weight=self.weight))


def _trained_source(model: Any) -> str:
    """The source of a trained head: what a detector has."""
    if is_kind(model, ProposalMapDetector):
        return 'candidates'
    return 'clips' if is_kind(model, PointDetector) or is_kind(model.decoder, DualPathDecoder) else 'queries'
