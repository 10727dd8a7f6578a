"""Components of BM-DETR (Jung et al., WACV 2025)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage, refuse_idle
from mmvmr.composition.edits import (
    add_augmentation,
    add_losses,
    add_view,
    direct_initializer,
    encoder_chain,
    fuses_late,
    is_kind,
)
from mmvmr.models.detectors import PointDetector
from mmvmr.models.encoders import FeatureLayeringEncoder, FrameMatchEncoder
from mmvmr.models.query_initializers import DynamicAnchorQueryInitializer, LearnedQueryInitializer, SlotQueryInitializer
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('bm.negative_query')
class NegativeQueryMatching(Component):
    """Weight clips by the probability that they match the sentence and, in training, no unmatched one.

    Args:
        weight: Factor of the loss that guides the probability of clips.
        missing: Source of unmatched sentences for rows without mined ones, see :class:`NegativeQuery`.
        empty: The same for rows for which mining found nothing.
        attention: Sum of the weights of a video: its number of ``clips``, which keeps their size and with it the effect
            of what attends to them, or ``one``, as printed (eq. 7), which shrinks them to 1 / Lv.
        decoder_reads: ``attended`` (weighted) clips, or ``plain`` ones as in the official code; models with points have
            no decoder.
    """

    source = 'BM-DETR, sections 3.2 and 3.3, eq. 5 to 7 and 16'
    slots = ('train_dataloader.dataset.pipeline.augment', 'model.encoder', 'model.criterion.losses')
    stage = Stage.ENCODER
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {
        'ProposalMapDetector': 'this model compares moments with sentences at its end and has no clips that have seen '
        'a sentence, which weights would act on'
    }

    def __init__(
        self,
        weight: float = 2.0,
        missing: str = 'same_video',
        empty: str = 'none',
        attention: str = 'clips',
        decoder_reads: str = 'attended',
    ):
        self.weight = weight
        self.decoder_reads = decoder_reads
        self.transform: dict[str, Any] = dict(type='NegativeQuery')
        self.transform.update({} if missing == 'same_video' else dict(missing=missing))
        self.transform.update({} if empty == 'none' else dict(empty=empty))
        self.options = {} if attention == 'one' else dict(attention=attention)
        self.options.update({} if decoder_reads == 'attended' else dict(decoder_reads=decoder_reads))

    def apply(self, cfg: Config) -> None:
        """Draw negatives, wrap the encoder, guide the probability."""
        if fuses_late(cfg):
            raise CompositionError(
                'this model encodes a video once for all its sentences, and weights of clips in front of the encoder '
                'belong to one sentence'
            )
        if any(is_kind(encoder, FrameMatchEncoder) for encoder in encoder_chain(cfg)):
            raise AlreadyThereError('the encoder of this model is wrapped in a FrameMatchEncoder already')
        if is_kind(cfg.model, PointDetector):
            given = {'decoder_reads': self.decoder_reads}
            refuse_idle(
                type(self), given, 'points are predicted from the weighted clips, and no decoder attends to others'
            )
        # In front, so that views take the negative along.
        add_augmentation(cfg, 'negative', self.transform, first=True)
        parent = cfg.model
        while is_kind(parent.encoder, FeatureLayeringEncoder):  # levels are made of the weighted clips
            parent = parent.encoder
        parent['encoder'] = dict(type='FrameMatchEncoder', **self.options, encoder=parent.encoder)
        add_losses(cfg, frame_guidance=dict(type='FrameGuidanceLoss', weight=self.weight))


@COMPONENTS.register_module('bm.learnable_spans')
class LearnableSpans(Component):
    """Queries that start from learned (center, width) spans, which guide their attention.

    Queries without anchors (Moment-DETR) get the decoder layers that read them; slots (EaTR) keep their content.
    """

    source = 'BM-DETR, section 3.3 (learnable spans), after DAB-DETR'
    slots = ('model.query_initializer', 'model.decoder', 'model.moment_head.span')
    stage = Stage.QUERIES
    excludes = {
        'sa.anchors': 'both say where the same queries start, one by learned spans, the other by predicted ones'
    }

    def apply(self, cfg: Config) -> None:
        """Replace what the direct queries start from."""
        parent, key = direct_initializer(cfg)
        node = parent[key]
        spans = dict(type='LearnedAnchorQueryInitializer', num_queries=node.num_queries)
        if is_kind(node, SlotQueryInitializer) and node.get('anchors') is None:
            node['anchors'] = spans
        elif is_kind(node, LearnedQueryInitializer):
            parent[key] = spans
            _read_spans(cfg)
        elif is_kind(node, DynamicAnchorQueryInitializer) or node.get('anchors') is not None:
            raise CompositionError('the queries of this model start from predicted spans')
        else:
            raise AlreadyThereError('the queries of this model start from learned spans already')


def _read_spans(cfg: Config) -> None:
    """A decoder whose attention the spans guide, as BM-DETR has it: they stay as they are from layer to layer."""
    decoder = cfg.model.decoder
    decoder.position = dict(type='AnchorQueryPosition')
    decoder.layer.self_attn = dict(type='ConditionalSelfAttention')
    decoder.layer.cross_attn = dict(type='ConditionalCrossAttention')
    decoder['first_layer'] = dict(cross_attn=dict(add_query_pos=True))
    cfg.model.moment_head.span = dict(type='AnchorSpanHead')


@COMPONENTS.register_module('bm.alignment')
class PooledAlignment(Component):
    """Contrast of attention-pooled videos and sentences over the batch.

    Args:
        weight: Factor of the loss.
    """

    source = 'BM-DETR, section 3.3, eq. 9 to 11 and 17'
    slots = ('model.criterion.losses',)
    stage = Stage.LOSSES
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {
        'ProposalMapDetector': 'this model is trained by a contrast of moments and sentences over the batch already '
        '(mutual matching), in separate spaces'
    }

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def apply(self, cfg: Config) -> None:
        """Add the loss."""
        add_losses(cfg, alignment=dict(type='PooledAlignmentLoss', weight=self.weight))


@COMPONENTS.register_module('bm.temporal_shift')
class TemporalShift(Component):
    """An additional view of training samples from short videos: their moments moved to another place.

    Args:
        max_duration: In videos as long as this (seconds) nothing is moved; None for all.
    """

    source = 'BM-DETR, section 3.4'
    slots = ('train_dataloader.dataset.pipeline.augment',)
    stage = Stage.DATA
    detectors = ()

    def __init__(self, max_duration: float | None = 60.0):
        self.transform: dict[str, Any] = dict(type='ShiftMoment')
        self.transform.update({} if max_duration == 60 else dict(max_duration=max_duration))

    def apply(self, cfg: Config) -> None:
        """Add the transform."""
        add_view(cfg, 'shift', self.transform)
