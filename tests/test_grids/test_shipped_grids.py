"""Every row of every shipped grid, shrunk: it builds, has a finite loss, and all of its parameters learn."""

from pathlib import Path

import pytest
import torch
from testing import extra_inputs, make_batch, shrink

from mmvmr.grids.cells import config_digest, row_config
from mmvmr.grids.grid import load_grid
from mmvmr.registry import MODELS, TRANSFORMS
from mmvmr.utils.setup import register_all_modules

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).resolve().parents[2] / 'configs' / 'grids'
GRIDS = sorted(path.name for path in FOLDER.glob('*.py'))
_trained: set[str] = set()


@pytest.fixture(scope='module', autouse=True)
def _modules():
    register_all_modules(init_scope=False)


@pytest.fixture(scope='module', params=GRIDS)
def grid(request):
    return load_grid(FOLDER / request.param)


def test_name_is_that_of_the_file(grid):
    assert grid.path.stem == grid.name
    assert grid.source or not any(row.published for row in grid.rows.values())


def test_every_row_is_another_config_that_trains(grid):
    seen = {}
    for name in grid.rows:
        cfg = row_config(grid, name)
        digest = config_digest(cfg)
        assert seen.setdefault(digest, name) == name, f'{name} is the same as {seen[digest]}'
        for options in grid.splits.values():
            row_config(grid, name, options)
        check_transforms(cfg)
        if digest not in _trained:  # the full model stands in many tables
            _trained.add(digest)
            check_model(cfg, f'{grid.name}: {name}')


def check_transforms(cfg):
    pipeline = cfg.train_dataloader.dataset.pipeline
    for transform in filter(None, pipeline.get('augment', {}).values()):
        TRANSFORMS.build(transform)


def check_model(cfg, where):
    torch.manual_seed(0)
    model = MODELS.build(shrink(cfg.model)).train()
    losses = model(**model.data_preprocessor(make_batch(extras=extra_inputs(cfg)), training=True), mode='loss')
    assert losses and all(torch.isfinite(value) for value in losses.values()), (where, losses)
    sum(losses.values()).backward()
    if not cfg.get('find_unused_parameters'):  # rows without the losses of a head say so
        without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
        assert not without, (where, without)
