"""Conversion of a checkpoint from file to file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

import torch

from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_official, read_options
from mmvmr.features.networks import SlowFast, load_weights, read_numpy_pickle
from mmvmr.features.networks.caffe2_names import from_caffe2
from mmvmr.features.spec import ExtractionSpec
from mmvmr.features.spec_files import read_extraction_spec
from mmvmr.registry import MODELS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import atomic_write
from mmvmr.utils.config import read_config
from mmvmr.utils.errors import UserError
from mmvmr.utils.inference_meta import inference_dataset, inference_meta
from mmvmr.utils.setup import register_all_modules
from mmvmr.version import __version__


def convert(
    method_name: str, source: Path, options_file: Path | None, extra_options: Mapping[str, Any] | None = None
) -> tuple[dict[str, torch.Tensor], dict]:
    """Read, rename and check the weights.

    Args:
        method_name: Name of the method.
        source: Official checkpoint.
        options_file: Official option file; None where the checkpoint holds its options.
        extra_options: Official options of this very checkpoint, which the file does not hold.

    Returns:
        The state dict, and the model config that it fits.

    Raises:
        UserError: If no options are known.
    """
    method = METHODS[method_name]
    state, options = read_official(source)
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    options = {**method.defaults, **options, **(extra_options or {})}
    if options_file is not None:
        options |= read_options(options_file)
    if not options:
        raise UserError(f'{source} holds no options: give the opt.json of the official run with --opt')
    try:
        config = method.model_config({**options, **method.hints(state)})
    except KeyError as error:
        raise UserError(f'the official options lack {error.args[0]!r}: give the complete opt.json with --opt') from None
    return method.load(MODELS.build(config), state), config.to_dict()


def convert_file(
    method_name: str,
    source: Path,
    target: Path,
    options_file: Path | None = None,
    config_file: Path | None = None,
    data: str | None = None,
    extra_options: Mapping[str, Any] | None = None,
) -> dict[str, torch.Tensor]:
    """Convert a checkpoint and write it.

    Args:
        method_name: Name of the method.
        source: Official checkpoint, or a recorded ``state_dict.npz``.
        target: The converted checkpoint; complete or absent.
        options_file: Official option file; None where the checkpoint holds its options.
        config_file: Where to write the model config that the options describe, if anywhere.
        data: Config of the data that the checkpoint was trained on; with it, the checkpoint is enough for a
            ``MomentFinder``.
        extra_options: See :func:`convert`.

    Returns:
        The state dict.

    Raises:
        UserError: If no options are known.
        ValueError: If the file cannot be read without running code, or its weights do not fit.
    """
    register_all_modules()
    state, config = convert(method_name, source, options_file, extra_options)
    meta: dict[str, Any] = {'mmvmr_version': __version__, 'converted_from': method_name}
    if data is not None:
        meta['inference'] = _inference(config, data, target.stem)
    with atomic_write(target) as temporary:
        torch.save({'state_dict': state, 'meta': meta}, temporary)
    if config_file is not None:
        with atomic_write(config_file) as temporary:
            temporary.write_text(f'model = {pformat(config, sort_dicts=False, width=118)}\n')
    return state


def _inference(model: dict[str, Any], data: str, name: str) -> dict[str, Any]:
    cfg = read_config(data)
    dataset = inference_dataset(cfg)
    if dataset is None:
        raise UserError(f'{data}: has no data set with a feature specification')
    width, made = (model.get('projector') or {}).get('video_dims'), FeatureSpec.from_dict(dataset['feature_spec'])
    if width not in (None, made.video_dim):
        raise UserError(f'{data}: its features have {made.video_dim} channels, but the checkpoint takes {width}')
    extraction = cfg.get('extraction')
    if extraction is not None:
        spec = (
            read_extraction_spec(extraction) if isinstance(extraction, str) else ExtractionSpec.from_config(extraction)
        )
        extraction = spec.to_dict()
    return inference_meta(model, dataset, extraction, made.max_clips, name)


def convert_slowfast(
    source: Path, target: Path, width: int = 64, depths: Sequence[int] = (3, 4, 6, 3), num_classes: int = 400
) -> dict[str, torch.Tensor]:
    """Convert the Caffe2 pickle of a SlowFast network, with a reader that knows numpy arrays and nothing else.

    Args:
        source: The pickle, from PySlowFast's model zoo.
        target: The checkpoint of torch; complete or absent.
        width: Channels of the slow stem.
        depths: Blocks per stage.
        num_classes: Classes of the head.

    Returns:
        The state dict.

    Raises:
        ValueError: If it is not such a pickle, or its weights do not fit.
    """
    network = SlowFast(width=width, depths=depths, num_classes=num_classes)
    load_weights(network, from_caffe2(read_numpy_pickle(source), source), source)
    state = network.state_dict()
    with atomic_write(target) as temporary:
        torch.save({'model_state': state}, temporary)
    return state
