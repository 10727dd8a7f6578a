"""Models from checkpoints that say what they were fed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmvmr.features.spec import ExtractionSpec, check_extraction
from mmvmr.registry import MODELS
from mmvmr.structures import FeatureSpec
from mmvmr.utils.checkpoint import load_checkpoint_safe
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of


@dataclass
class ModelFile:
    """A model with everything that inference needs.

    Attributes:
        model: The detector, in eval mode.
        feature_spec: The features it was trained on.
        pipeline: Slots of the data pipeline without augmentation and targets.
        extraction: How its features are made; None for a checkpoint that does not say.
        text_store: Config of the store that turns sentences into token numbers, for models with a text encoder of their
            own; None where the extraction makes the text features.
        text_key: Array of the text features that the model takes, ``last_hidden_state`` or ``pooler_output``.
        longest: Clips of the longest training video; None where it is unknown.
        name: Short description for people.
    """

    model: nn.Module
    feature_spec: FeatureSpec
    pipeline: dict[str, Any]
    extraction: ExtractionSpec | None = None
    text_store: dict[str, Any] | None = None
    text_key: str = 'last_hidden_state'
    longest: int | None = None
    name: str = ''


def load_model_file(
    path: str | os.PathLike[str], spec: ExtractionSpec | None = None, device: torch.device | str = 'cpu'
) -> ModelFile:
    """Build the model of a checkpoint without running anything that the file says.

    Args:
        path: A checkpoint that ``mmvmr`` wrote, or a file of ``mmvmr export``.
        spec: How features are made, for a checkpoint that does not say; it must fit its feature specification.
        device: Where the model goes.

    Returns:
        The model and what inference needs.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a checkpoint, does not say what model it holds, or its weights do not fit or
            are not finite.
    """
    if Path(path).suffix == '.onnx':
        from mmvmr.apis.onnx_model import read_onnx

        entry, model = read_onnx(path)
        return build_model_file(entry, None, Path(path), spec, model=model)
    entry, state = checkpoint_entry(path)
    return build_model_file(entry, state, Path(path), spec, device)


def checkpoint_entry(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint without running anything that the file says.

    Args:
        path: A checkpoint that ``mmvmr`` wrote.

    Returns:
        What it says of its model, see :func:`inference_meta`, and its weights.

    Raises:
        ValueError: If it is not a checkpoint, or does not say what model it holds.
    """
    checkpoint = load_checkpoint_safe(path)
    meta = checkpoint.get('meta')
    entry = meta.get('inference') if isinstance(meta, dict) else None
    if not isinstance(entry, dict) or 'model' not in entry:
        raise ValueError(
            f'{path}: the checkpoint does not say which model and features it holds (no meta.inference). Convert an '
            'official one with `mmvmr convert METHOD SRC DST --data CONFIG`; one that was trained without '
            'default_hooks.inference_spec gets it when its training is resumed with that hook'
        )
    return entry, weights_of(checkpoint, str(path))


def build_model_file(
    entry: Mapping[str, Any],
    state: Mapping[str, Any] | None,
    source: Path | str,
    spec: ExtractionSpec | None = None,
    device: torch.device | str = 'cpu',
    model: nn.Module | None = None,
) -> ModelFile:
    """Build a model from :func:`inference_meta` and weights.

    Args:
        entry: What :func:`inference_meta` returned.
        state: Weights; None for a model without any.
        source: File for messages.
        spec: How features are made where the entry does not say.
        device: Where the model goes.
        model: The model, where it is built already.

    Returns:
        The model and what inference needs.

    Raises:
        ValueError: If the entry is damaged, or the weights or ``spec`` do not fit.
    """
    try:
        feature_spec = FeatureSpec.from_dict(entry['feature_spec'])
        model = model or MODELS.build(_without_init(entry['model']))
    except (KeyError, TypeError, ValueError) as error:
        message = error.args[0] if error.args else error
        raise ValueError(f'{source}: the model that the checkpoint describes cannot be built: {message}') from error
    if state is not None:
        require_fit(compare_weights(model.state_dict(), state), {}, str(source))
        require_finite(dict(state), str(source))
        model.load_state_dict(state)
    extraction = spec
    if spec is None and entry.get('extraction'):
        stated = {key: value for key, value in entry['extraction'].items() if key != 'custom_imports'}  # would run code
        extraction = ExtractionSpec.from_config(stated)
    if extraction is not None:
        check_extraction(feature_spec, extraction.features, source)
    return ModelFile(
        model.to(device).eval(),
        feature_spec,
        dict(entry['pipeline']),
        extraction,
        entry.get('text_store'),
        entry.get('text_key') or 'last_hidden_state',
        entry.get('longest'),
        entry.get('name') or Path(source).stem,
    )


def _without_init(value: Any) -> Any:
    """A model config without whatever would read other files: weights come from the checkpoint only."""
    if isinstance(value, Mapping):
        return {key: _without_init(item) for key, item in value.items() if key != 'init_cfg'}
    return [_without_init(item) for item in value] if isinstance(value, (list, tuple)) else value
