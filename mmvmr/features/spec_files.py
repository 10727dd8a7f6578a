"""Extraction specifications by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmvmr.features.spec import ExtractionSpec
from mmvmr.utils.config import read_config
from mmvmr.utils.errors import UserError
from mmvmr.utils.paths import configs_dir


def read_extraction_spec(name: str, options: Mapping[str, Any] | None = None) -> ExtractionSpec:
    """Read what is extracted, and how.

    Args:
        name: A config file, or the name of a shipped one in ``configs/features``.
        options: Dotted keys that change the config.

    Raises:
        UserError: If there is no such config, or it is wrong.
    """
    shipped = configs_dir() / 'features'
    path = name if name.endswith('.py') or Path(name).is_file() else str(shipped / f'{name}.py')
    if not Path(path).is_file():
        names = ', '.join(sorted(p.stem for p in shipped.glob('*.py')))
        raise UserError(f'--spec {name}: no such config, and none of the shipped ones: {names}')
    if not options and Path(path).parent == shipped:
        return ExtractionSpec.from_config(read_config(path))  # its keys are tested; the check imports all that trains
    from mmvmr.utils.cli import load_config

    try:
        return ExtractionSpec.from_config(load_config(path, dict(options or {})))
    except ValueError as error:
        raise UserError(f'{path}: {error}') from error
