"""Functions that look up and change parts of a config, shared by the components."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvmr.composition.component import AlreadyThereError, CompositionError
from mmvmr.models.builder import constructor_arguments
from mmvmr.models.encoders import (
    FrameMatchEncoder,
    JointEncoder,
    LateFusionEncoder,
    MismatchedVideoEncoder,
    NegativePairEncoder,
    VideoContextEncoder,
)
from mmvmr.models.layers import LearnedQueryPosition
from mmvmr.models.query_initializers import (
    DualPathQueryInitializer,
    LearnedQueryInitializer,
    LengthwiseQueryInitializer,
)
from mmvmr.registry import MODELS, TASK_UTILS


def is_kind(node: Any, kind: type | tuple[type, ...]) -> bool:
    """True if a config builds ``kind`` (one of several) or a subclass."""
    if not isinstance(node, Mapping):
        return False
    registered = node.get('type')
    registered = (MODELS.get(registered) or TASK_UTILS.get(registered)) if isinstance(registered, str) else registered
    return isinstance(registered, type) and issubclass(registered, kind)


def has_slot(node: Any, name: str) -> bool:
    """True if the class that a config builds takes an argument of this name."""
    return name in constructor_arguments(node.get('type'))


def encoder_chain(cfg: Config) -> list[ConfigDict]:
    """The encoder and those that it wraps, outermost first."""
    chain = [cfg.model.encoder]
    while isinstance(chain[-1].get('encoder'), Mapping):
        chain.append(chain[-1]['encoder'])
    return chain


def fuses_late(cfg: Config) -> bool:
    """True if videos are encoded before they meet their sentences (SnAG)."""
    return any(is_kind(encoder, LateFusionEncoder) for encoder in encoder_chain(cfg))


def inner_encoder(cfg: Config) -> ConfigDict:
    """The encoder inside all wrappers."""
    return encoder_chain(cfg)[-1]


def swapping_parent(cfg: Config) -> Any:
    """The innermost wrapper of the encoder that swaps sentences or videos, or the model: it wraps the final pairs."""
    swapping = (NegativePairEncoder, FrameMatchEncoder, MismatchedVideoEncoder)
    return next((node for node in reversed(encoder_chain(cfg)) if is_kind(node, swapping)), cfg.model)


def direct_initializer(cfg: Config) -> tuple[ConfigDict, str]:
    """The initializer of the queries that predict, inside of wrappers, as the dict that contains it and its key."""
    parent, key = cfg.model, 'query_initializer'
    if is_kind(parent[key], DualPathQueryInitializer):
        parent, key = parent[key], 'direct'
    if is_kind(parent[key], LengthwiseQueryInitializer):
        parent, key = parent[key], 'initializer'
    return parent, key


def add_import(cfg: Config, module: str) -> None:
    """Let a config import a package when it is read, for components with types from another package.

    Args:
        cfg: The config.
        module: Name of the package, in whose ``__init__`` the types are registered.
    """
    imports = list((cfg.get('custom_imports') or {}).get('imports') or [])
    if module not in imports:
        cfg.custom_imports = {**(cfg.get('custom_imports') or {}), 'imports': [*imports, module]}


def give_anchors(cfg: Config) -> None:
    """Give queries without anchors (Moment-DETR) learned ones, and a decoder that reads and moves them.

    What the decoder needs is that of SA-DETR: position from the span, refinement after every layer, the refined span as
    prediction. Initializers that make anchors stay unchanged.
    """
    parent, key = direct_initializer(cfg)
    if is_kind(parent[key], LearnedQueryInitializer):
        parent[key] = dict(type='LearnedAnchorQueryInitializer', num_queries=parent[key].num_queries)
    if is_kind(cfg.model.decoder.get('position'), LearnedQueryPosition):
        cfg.model.decoder.position = dict(type='SpanQueryPosition')
        cfg.model.decoder.refiner = dict(type='AnchorRefiner')
        cfg.model.moment_head.span = dict(type='RefinedSpanHead')


def give_clip_context(cfg: Config) -> None:
    """Let a decoder that attends to clips and text tokens (Moment-DETR, EaTR) attend only to clips."""
    chain = encoder_chain(cfg)
    if is_kind(chain[-1], JointEncoder) and not any(is_kind(encoder, VideoContextEncoder) for encoder in chain):
        around = chain[-2] if len(chain) > 1 else cfg.model
        around['encoder'] = dict(type='VideoContextEncoder', encoder=chain[-1])


def give_sentence_pool(cfg: Config) -> None:
    """Let an encoder that has a slot for a sentence token fill it; elsewhere a mean stands in."""
    node = inner_encoder(cfg)
    if has_slot(node, 'pool') and node.get('pool') is None:
        node['pool'] = dict(type='AttentionPool')


def add_augmentation(cfg: Config, name: str, transform: dict[str, Any], first: bool = False) -> None:
    """Add a transform to the training data.

    Args:
        cfg: The config.
        name: Its name among the augmentations.
        transform: Its config.
        first: Put it before the others instead of after them.

    Raises:
        CompositionError: If the config has no training pipeline, or an augmentation of this name.
    """
    pipeline = cfg.get('train_dataloader', {}).get('dataset', {}).get('pipeline')
    if pipeline is None:
        raise CompositionError('train_dataloader.dataset.pipeline is missing: there is no training data to change')
    transforms = pipeline.get('augment') or {}
    if transforms.get(name) is not None:
        raise AlreadyThereError(f'train_dataloader.dataset.pipeline.augment.{name} exists already')
    others = {key: value for key, value in transforms.items() if key != name}
    new = {name: transform}
    pipeline['augment'] = {**new, **others} if first else {**others, **new}


def add_view(cfg: Config, name: str, transform: dict[str, Any]) -> None:
    """Add a transform that makes an additional view of training samples.

    Without ``criterion.view_weights`` every mean runs over samples and views together. A criterion that weights views
    leaves out those that it does not name, so the new one gets the weight of the samples themselves.

    Args:
        cfg: The config.
        name: Name of the view, which its transform has among the augmentations.
        transform: Its config.

    Raises:
        CompositionError: See :func:`add_augmentation`.
    """
    add_augmentation(cfg, name, transform)
    weights = cfg.model.get('criterion', {}).get('view_weights')
    if weights is not None:
        weights.setdefault(name, weights.get('main', 1.0))


def losses(cfg: Config) -> ConfigDict:
    """The named losses of a config.

    Raises:
        CompositionError: If the model has no criterion with named losses.
    """
    configured = cfg.model.get('criterion', {}).get('losses')
    if configured is None:
        raise CompositionError('model.criterion.losses is missing: components add their losses there')
    return configured


def add_losses(cfg: Config, **new: dict[str, Any]) -> None:
    """Add named losses.

    Args:
        cfg: The config.
        **new: Name to config.

    Raises:
        CompositionError: If the config has a loss of this name.
    """
    configured = losses(cfg)
    for name, loss in new.items():
        if configured.get(name) is not None:
            raise AlreadyThereError(f'model.criterion.losses.{name} exists already')
        configured[name] = loss


def add_span_losses(cfg: Config, sets: str) -> None:
    """Give a further prediction set the span losses of the queries that predict, with their weights.

    They apply to all layers of the set: ``final_only`` of a loss that is followed (BM-DETR) would leave out every one,
    as only the queries that predict have a final layer.

    Args:
        cfg: The config.
        sets: Name of the set; the losses become ``<sets>_span`` and ``<sets>_giou``.

    Raises:
        CompositionError: If the config has no such losses to follow, or has the new ones already.
    """
    for name in ('span', 'giou'):
        model = losses(cfg).get(name)
        if model is None:
            raise CompositionError(f'model.criterion.losses.{name}, whose weight its own losses follow, is missing')
        new = dict(copy.deepcopy(model), sets=(sets,))
        new.pop('final_only', None)
        add_losses(cfg, **{f'{sets}_{name}': new})
