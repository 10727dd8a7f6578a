"""Fixtures of the composition tests."""

import pytest
from mmengine.config import Config

from mmvmr.utils.setup import register_all_modules

from .bases import BASELINES, write_base


@pytest.fixture(scope='session')
def base_paths(tmp_path_factory):
    """Name of every baseline to the path of its tiny config."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('bases')
    return {name: write_base(name, folder) for name in BASELINES}


@pytest.fixture(scope='session')
def bases(base_paths):
    """Name of every baseline to its tiny config."""
    return {name: Config.fromfile(path) for name, path in base_paths.items()}
