"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

import mmvmr.utils.config  # noqa: F401  Config.fromfile reads configs as the commands do, whatever a test imports

REPO = Path(__file__).resolve().parent.parent


def _shared() -> Path:
    return Path(os.environ.get('MMVMR_SHARED', REPO.parent / 'shared'))


def pytest_collection_modifyitems(items):
    """Every test that is not slow is a unit test."""
    for item in items:
        if item.get_closest_marker('slow') is None:
            item.add_marker('unit')


@pytest.fixture(scope='session', autouse=True)
def _one_thread():
    """Tiny tensors run faster on one thread, and results do not depend on the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session')
def repo_dir() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Third-party data for tests (``MMVMR_SHARED``); tests that need it skip where it is absent."""
    path = _shared()
    if not path.is_dir():
        pytest.skip('third-party data absent: set MMVMR_SHARED to its folder')
    return path
