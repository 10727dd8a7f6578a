"""Components of SA-DETR (Xiong et al., COLING 2025)."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import AlreadyThereError, Component, CompositionError, Stage, refuse_idle
from mmvmr.composition.edits import (
    add_losses,
    add_span_losses,
    direct_initializer,
    fuses_late,
    give_anchors,
    give_clip_context,
    give_sentence_pool,
    has_slot,
    is_kind,
    losses,
)
from mmvmr.models.query_initializers import DualPathQueryInitializer, DynamicAnchorQueryInitializer
from mmvmr.registry import COMPONENTS


def dynamic_anchors(cfg: Config) -> Any:
    """The config of the module that predicts the anchors, None where nothing does."""
    parent, key = direct_initializer(cfg)
    nodes = (parent[key], parent[key].get('anchors'))
    return next((node for node in nodes if is_kind(node, DynamicAnchorQueryInitializer)), None)


@COMPONENTS.register_module('sa.anchors')
class InstanceAnchors(Component):
    """Anchors predicted from the token of the video-sentence pair, instead of learned ones.

    Initializers that make the content of the queries too (slots, boundary states) keep it and take the anchors.
    ``sa.init_loss`` supervises them.

    Args:
        bias_std: How far apart the anchors start, see :class:`DynamicAnchorQueryInitializer`.
    """

    source = 'SA-DETR, section 3.3'
    slots = ('model.query_initializer',)
    stage = Stage.QUERIES

    def __init__(self, bias_std: float = 1.0):
        self.bias_std = bias_std

    def apply(self, cfg: Config) -> None:
        """Replace the anchors of the direct queries."""
        if dynamic_anchors(cfg) is not None:
            raise AlreadyThereError('the anchors of this model are predicted from the video-sentence pair already')
        give_anchors(cfg)
        parent, key = direct_initializer(cfg)
        anchors = dict(type='DynamicAnchorQueryInitializer', num_queries=parent[key].num_queries, supervise_init=False)
        if self.bias_std != 1.0:
            anchors['bias_std'] = self.bias_std
        if has_slot(parent[key], 'anchors'):
            parent[key]['anchors'] = anchors
        else:
            parent[key] = anchors


@COMPONENTS.register_module('sa.init_loss')
class InitLoss(Component):
    """The span losses of the model for the predicted anchors too (L_init); goes with sa.anchors.

    Args:
        detach: Keep the gradient of the decoder away from the anchors, so that only L_init trains them.
    """

    source = 'SA-DETR, section 3.3, L_init'
    slots = ('model.query_initializer', 'model.criterion.losses')
    stage = Stage.GROUPS
    needs = ('sa.anchors',)

    def __init__(self, detach: bool = False):
        self.detach = detach

    def apply(self, cfg: Config) -> None:
        """Supervise the anchors."""
        anchors = dynamic_anchors(cfg)
        if anchors is None:
            raise CompositionError('it supervises anchors that are predicted from the video: add sa.anchors')
        anchors.pop('supervise_init', None)
        if self.detach:
            anchors['detach'] = True
        add_span_losses(cfg, 'init')


@COMPONENTS.register_module('sa.noise')
class NoiseGroups(Component):
    """Noised copies of the ground truth as additional queries while training.

    Their span losses are those of the model; a positive copy should score above its negative.

    Args:
        num_groups: Number of groups.
        positive_scale: Scale of positive noise.
        negative_scale: Scale of negative noise.
        contrastive: ``fixed``, ``course`` (the negative scale shrinks over the training) or ``none``.
        center_noise: ``center`` as printed, or ``width`` (DN-DETR), see :class:`NoiseQueryGenerator`.
        margin: By how much a positive should score above its negative.
    """

    source = 'SA-DETR, section 3.3, eq. 9'
    slots = ('model.query_initializer', 'model.criterion.losses')
    stage = Stage.GROUPS

    def __init__(
        self,
        num_groups: int = 5,
        positive_scale: float = 0.2,
        negative_scale: float = 0.6,
        contrastive: str = 'fixed',
        center_noise: str = 'center',
        margin: float = 0.4,
    ):
        if num_groups < 1:
            raise CompositionError(f'num_groups={num_groups}, expected at least 1; leave the component out instead')
        if contrastive == 'none':
            given = {'negative_scale': negative_scale, 'margin': margin}
            refuse_idle(type(self), given, "with contrastive='none' there are no negatives")
        self.generator = dict(
            type='NoiseQueryGenerator',
            num_groups=num_groups,
            positive_scale=positive_scale,
            negative_scale=negative_scale,
            contrastive=contrastive,
        )
        if center_noise != 'center':
            self.generator['center_noise'] = center_noise
        self.margin = margin

    def apply(self, cfg: Config) -> None:
        """Add noise queries to the direct queries."""
        give_anchors(cfg)
        if not is_kind(cfg.model.query_initializer, DualPathQueryInitializer):
            cfg.model.query_initializer = dict(type='DualPathQueryInitializer', direct=cfg.model.query_initializer)
        elif cfg.model.query_initializer.get('noise') is not None:
            raise AlreadyThereError('this model has noise queries already')
        cfg.model.query_initializer.noise = self.generator
        add_span_losses(cfg, 'noise')
        if self.generator['contrastive'] != 'none':
            add_losses(cfg, noise_quality=dict(type='QualityMarginLoss', weight=1.0, margin=self.margin))


@COMPONENTS.register_module('sa.gaussian')
class GaussianMask(Component):
    """A Gaussian around the span of each query weights its cross-attention.

    Args:
        alpha: Sharpness.
        mode: ``multiply`` the logits, as printed, or add the ``log`` of the mask.
    """

    source = 'SA-DETR, eq. 5 and 6'
    slots = ('model.decoder.layer.cross_attn.modulator',)
    stage = Stage.DECODER

    def __init__(self, alpha: float = 2.0, mode: str = 'multiply'):
        self.modulator = dict(type='GaussianModulator', alpha=alpha, mode=mode)

    def apply(self, cfg: Config) -> None:
        """Modulate every layer."""
        give_anchors(cfg)
        give_clip_context(cfg)
        attention = cfg.model.decoder.layer.cross_attn
        if not has_slot(attention, 'modulator'):
            raise CompositionError(f'{attention.type} (model.decoder.layer.cross_attn) has no slot `modulator`')
        if attention.get('modulator') is not None:
            raise AlreadyThereError('the cross-attention of this model has a modulator already')
        attention['modulator'] = self.modulator


@COMPONENTS.register_module('sa.enhance')
class EnhanceBlock(Component):
    """Update the content of each query from the text-relevant clips inside its span.

    A block that stands in the first layer already (EaTR) runs before it.

    Args:
        num_points: Points that are read inside a span.
    """

    source = 'SA-DETR, eq. 2 and 3'
    slots = ('model.decoder.layer.enhance',)
    stage = Stage.DECODER

    def __init__(self, num_points: int = 10):
        if num_points < 1:
            raise CompositionError(f'num_points={num_points}, expected at least 1; leave the component out instead')
        self.block = dict(type='SpanEnhance', num_points=num_points)

    def apply(self, cfg: Config) -> None:
        """Enhance every layer."""
        give_anchors(cfg)
        give_clip_context(cfg)
        give_sentence_pool(cfg)
        layer, first = cfg.model.decoder.layer, cfg.model.decoder.get('first_layer') or {}
        if layer.get('enhance') is not None:
            raise AlreadyThereError(f'model.decoder.layer.enhance is {layer.enhance.type} already')
        layer['enhance'] = self.block
        if first.get('enhance') is not None:
            stages = dict(own=first['enhance'], span=dict(self.block))
            first['enhance'] = dict(type='SequentialEnhance', stages=stages)


@COMPONENTS.register_module('sa.alignment')
class AlignmentLosses(Component):
    """Contrast of videos and sentences, and of clips and sentences (L_vtc, L_ctm).

    A loss of the same name that the model has already (TR-DETR, where L_ctm comes from) stays as it is.

    On a model that encodes videos before they meet sentences (SnAG) both compare after the fusion, the finest level of
    its pyramid with the pooled sentence, as widths differ before it.

    Args:
        weight: Factor of each loss (lambda_A).
        video_text: Features ``before`` or ``after`` the fusion for L_vtc; None leaves it out.
        clip_text: The same for L_ctm.
    """

    source = 'SA-DETR, section 3.2, L_vtc and L_ctm'
    slots = ('model.criterion.losses',)
    stage = Stage.LOSSES
    detectors = ('MomentDetector', 'PointDetector')
    reasons = {
        'ProposalMapDetector': 'this model is trained by a contrast of moments and sentences over the batch already '
        '(mutual matching), in separate spaces'
    }

    def __init__(self, weight: float = 1.0, video_text: str | None = 'before', clip_text: str | None = 'after'):
        self.video_text, self.clip_text = video_text, clip_text
        self.losses: dict[str, dict[str, Any]] = {}
        if video_text is not None:
            self.losses['video_text'] = dict(type='VideoTextContrastiveLoss', weight=weight, stage=video_text)
        if clip_text is not None:
            for name in ('Local', 'Intra', 'Inter'):
                self.losses[f'clip_{name.lower()}'] = dict(type=f'ClipText{name}Loss', weight=weight, stage=clip_text)

    def apply(self, cfg: Config) -> None:
        """Add the losses."""
        late = fuses_late(cfg)
        if late and (stride := cfg.model.get('shared', {}).get('input_stride', 1)) != 1:
            raise CompositionError(f'a point of the finest level stands for {stride} clips (model.shared.input_stride)')
        new = {name: dict(loss) for name, loss in self.losses.items() if losses(cfg).get(name) is None}
        if not new:
            raise AlreadyThereError('this model has these losses already')
        if late and self.clip_text is not None:
            why = 'clips of this model have the width of sentences only after the fusion'
            refuse_idle(type(self), {'clip_text': self.clip_text}, why)
        if losses(cfg).get('video_text') is not None:
            why = 'this model has L_vtc already, which stays as it is'
            refuse_idle(type(self), {'video_text': self.video_text}, why)
        for name, loss in new.items() if late else ():
            loss.update(stage='after', **({'sentence': 'token'} if name == 'video_text' else {}))
        if late or any(loss['stage'] == 'after' and name != 'video_text' for name, loss in new.items()):
            give_sentence_pool(cfg)
        add_losses(cfg, **new)
