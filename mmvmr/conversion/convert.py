"""Conversion of a checkpoint from file to file."""

from __future__ import annotations

from pathlib import Path
from pprint import pformat

import torch

from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_official, read_options
from mmvmr.registry import MODELS
from mmvmr.utils import atomic_write
from mmvmr.utils.errors import UserError
from mmvmr.utils.setup import register_all_modules
from mmvmr.version import __version__


def convert(method_name: str, source: Path, options_file: Path | None) -> tuple[dict[str, torch.Tensor], dict]:
    """Read, rename and check the weights.

    Args:
        method_name: Name of the method.
        source: Official checkpoint.
        options_file: Official option file; None where the checkpoint holds its options.

    Returns:
        The state dict, and the model config that it fits.

    Raises:
        UserError: If no options are known.
    """
    method = METHODS[method_name]
    state, options = read_official(source)
    if options_file is not None:
        options = {**options, **read_options(options_file)}
    if not options:
        raise UserError(f'{source} holds no options: give the opt.json of the official run with --opt')
    try:
        config = method.model_config({**options, **method.hints(state)})
    except KeyError as error:
        raise UserError(f'the official options lack {error.args[0]!r}: give the complete opt.json with --opt') from None
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    return method.load(MODELS.build(config), state), config.to_dict()


def convert_file(
    method_name: str, source: Path, target: Path, options_file: Path | None = None, config_file: Path | None = None
) -> dict[str, torch.Tensor]:
    """Convert a checkpoint and write it.

    Args:
        method_name: Name of the method.
        source: Official checkpoint, or a recorded ``state_dict.npz``.
        target: The converted checkpoint; complete or absent.
        options_file: Official option file; None where the checkpoint holds its options.
        config_file: Where to write the model config that the options describe, if anywhere.

    Returns:
        The state dict.

    Raises:
        UserError: If no options are known.
        ValueError: If the file cannot be read without running code, or its weights do not fit.
    """
    register_all_modules()
    state, config = convert(method_name, source, options_file)
    meta = {'mmvmr_version': __version__, 'converted_from': method_name}
    with atomic_write(target) as temporary:
        torch.save({'state_dict': state, 'meta': meta}, temporary)
    if config_file is not None:
        with atomic_write(config_file) as temporary:
            temporary.write_text(f'model = {pformat(config, sort_dicts=False, width=118)}\n')
    return state
