"""Grid files: what they say, and one message with file, row and key for what they should not say."""

import re

import pytest

from mmvmr.grids.cells import plan, row_config
from mmvmr.grids.grid import load_grid
from mmvmr.utils.cli import UserError


def test_a_grid_file(write_grid):
    grid = load_grid(write_grid())
    assert grid.seeds == (0, 1) and list(grid.rows) == ['plain', 'mask'] and grid.checkpoint == 'best'
    assert grid.config_of('plain').name == 'qd_detr_qvhl.py'
    assert list(grid.select(['mask']).rows) == ['mask']


def test_a_child_grid_changes_base_and_rows(write_grid, tmp_path):
    write_grid()
    (tmp_path / 'child.py').write_text(
        "_base_ = ['./small.py']\n_note = 'private'\nname = 'child'\nbase = 'qd_detr/qd_detr_clip_charades.py'\n"
        "rows = dict(plain=dict(label='CLIP', published=dict(_delete_=True)), mask=None)\n".replace(', mask=None', '')
    )
    grid = load_grid(tmp_path / 'child.py')
    assert grid.rows['plain'].label == 'CLIP' and not grid.rows['plain'].published
    assert grid.rows['mask'].components == ('sa.gaussian',)
    assert row_config(grid, 'plain').model.projector.video_dims == 514


@pytest.mark.parametrize(
    ('old', 'new', 'expected'),
    [
        ("name = 'small'", '', 'small.py: name is missing'),
        ('seeds = [0, 1]', 'seds = [0, 1]', 'seds: unknown key; did you mean `seeds`?'),
        ('seeds = [0, 1]', 'seeds = [1, 1]', 'seeds: found [1, 1], expected at least one seed, each once'),
        ('seeds = [0, 1]', "seeds = ['a']", "seeds.0: found 'a', expected a valid integer"),
        ("source = 'a paper'", "checkpoint = 'first'", "checkpoint: found 'first', expected 'best' or 'last'"),
        ("label='QD-DETR', ", '', 'rows.plain.label is missing'),
        ("label='QD-DETR'", "labl='QD-DETR'", 'rows.plain.labl: unknown key; did you mean `label`?'),
        ("published={'R1@0.7'", "published={'R1'", 'rows.plain.published.R1: no metric has this label'),
        ('47.02', "'about 47'", "rows.plain.published.R1@0.7: found 'about 47', expected a number"),
        (
            "components=['sa.gaussian']",
            "components='sa.gaussian'",
            "components: found 'sa.gaussian', expected a valid tuple",
        ),
        ("'ood/MR-full-mAP'", "'odd/MR-full-mAP'", "metrics.ood mAP: found 'odd/MR-full-mAP', expected NAME, or SPLIT"),
        ("'ood/MR-full-mAP'", "'robustness/val/spurious_zero/mAP'", '`robustness` needs the key of that name'),
        ("'ood/MR-full-mAP'", "'best/MR-full-mAP'", '`best` the key `curve`'),
        ('splits = dict(', 'splits = dict(best={}, ', 'splits.best: that name stands for the best epoch'),
        ('rows = dict(', 'rows = dict() or dict(**{"a b": {}},', "rows.a b: found 'a b', expected letters, digits"),
        ("title = 'A small grid'", 'title = ', 'SyntaxError'),
    ],
)
def test_mistakes_of_a_grid_file(write_grid, old, new, expected):
    path = write_grid((old, new))
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        load_grid(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('old', 'new', 'expected'),
    [
        (
            'qd_detr/qd_detr_qvhl.py',
            'qd_detr/none.py',
            "row plain: found 'qd_detr/none.py', expected a config",
        ),
        ("['sa.gaussian']", "['sa.gausian']", 'rows.mask.components: no component `sa.gausian`; did you mean'),
        ("'sa.gaussian.alpha'", "'sa.gaussian.alfa'", 'rows.mask.components: sa.gaussian has no option `alfa`'),
        (
            "'sa.gaussian.alpha': 1.0",
            "'model.decodr.num_layers': 1",
            'rows.mask.options model.decodr.num_layers: `model` has no key `decodr`; did you mean `decoder`?',
        ),
        (
            "'sa.gaussian.alpha': 1.0",
            "'model.criterion.losses.spam': None",
            'rows.mask.options: model.criterion.losses.spam=None removes nothing',
        ),
        (
            "components=['sa.gaussian'], options={'sa.gaussian.alpha': 1.0}",
            'options={}',
            'the rows plain and mask have the same config',
        ),
    ],
)
def test_mistakes_that_show_when_configs_are_composed(write_grid, tmp_path, old, new, expected):
    grid = load_grid(write_grid((old, new)))
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        plan(grid, tmp_path)
    assert 'small.py' in str(caught.value)


def test_unknown_rows_and_missing_files(write_grid):
    with pytest.raises(UserError, match=re.escape('--only msk: ') + '.*did you mean `mask`'):
        load_grid(write_grid()).select(['msk'])
    with pytest.raises(UserError, match=re.escape('grid none.py: no such file')):
        load_grid('none.py')


def test_another_base_has_no_published_figures(write_grid):
    grid = load_grid(write_grid()).rebase(['qd_detr/qd_detr_clip_charades.py'])
    assert not any(row.published or row.note for row in grid.rows.values()) and not grid.source
    assert grid.config_of('mask').name == 'qd_detr_clip_charades.py'


def test_rows_with_a_base_of_their_own_are_not_forgotten(write_grid):
    path = write_grid(("label='QD-DETR'", "label='QD-DETR', base='qd_detr/qd_detr_charades.py'"))
    grid = load_grid(path)
    with pytest.raises(UserError, match='the rows plain have their own base'):
        grid.rebase(['qd_detr/qd_detr_clip_charades.py'])
    moved = grid.rebase(['qd_detr/qd_detr_clip_charades.py', 'plain=moment_detr/moment_detr_clip_charades.py'])
    assert moved.config_of('plain').name == 'moment_detr_clip_charades.py'
    with pytest.raises(UserError, match=r'--base plane: .* has no such row; did you mean `plain`'):
        grid.rebase(['plane=x.py'])


def test_components_of_a_package_that_the_file_imports(write_grid, tmp_path, monkeypatch):
    (tmp_path / 'of_grid.py').write_text(
        'from mmvmr.composition import Component\nfrom mmvmr.registry import COMPONENTS\n\n'
        "@COMPONENTS.register_module('of_grid.layers')\nclass Layers(Component):\n"
        '    def apply(self, cfg):\n        cfg.model.decoder.num_layers = 7\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    path = write_grid(("['sa.gaussian']", "['of_grid.layers']"), ("'sa.gaussian.alpha': 1.0", ''))
    path.write_text(path.read_text() + "custom_imports = dict(imports=['of_grid'])\n")
    assert row_config(load_grid(path), 'mask').model.decoder.num_layers == 7
