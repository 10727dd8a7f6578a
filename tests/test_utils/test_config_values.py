"""Values of configs against the annotations of what they are given to."""

from __future__ import annotations

import math
from typing import Any
from unittest.mock import patch

import pytest
import torch

import mmvmr.models  # noqa: F401  (registers)
from mmvmr.registry import MODELS
from mmvmr.utils.cli import UserError, load_config
from mmvmr.utils.config_values import annotations_of, odd_values


class Base:
    def __init__(self, rate: float | torch.Tensor = 0.1, old: int = None) -> None:  # noqa: RUF013
        pass


class Part(Base):
    def __init__(
        self, width: int, name: str | None, parts: dict[str, Any], free: Any, on: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)


def function(sizes: list[int] | tuple[int, ...], kind: str | type) -> None:
    pass


GOOD = dict(width=3, name=None, parts={}, free='x', on=False, rate=1, old=None)


@pytest.mark.parametrize(
    ('key', 'value', 'expected'),
    [
        ('width', '3', "is '3', expected a whole number; write 3"),
        ('width', True, 'is True, expected a whole number'),
        ('width', 2.5, 'is 2.5, expected a whole number'),
        ('parts', None, 'is None, expected a dict'),
        ('name', 1, 'is 1, expected text or None'),
        ('rate', '1e-3', "is '1e-3', expected a number; write 0.001"),
        ('old', 'x', "is 'x', expected a whole number or None"),
        ('on', 'yes', "is 'yes', expected True or False"),
    ],
)
def test_values_by_hand(key, value, expected):
    assert list(odd_values({**GOOD, 'unknown': 7}, 'p', [Part])) == []
    assert list(odd_values({**GOOD, key: value}, 'p', [Part])) == [f'p.{key} {expected}']


def test_annotations_that_say_too_little_allow_everything():
    assert annotations_of(function) == {'sizes': (list, tuple), 'kind': ()}
    assert list(odd_values(dict(sizes=3, kind=3), 'p', [function])) == ['p.sizes is 3, expected a list']
    assert list(odd_values(dict(width='x'), 'p', [Part, function])) == ["p.width is 'x', expected a whole number"]
    assert list(odd_values(dict(name=1), 'p', [Part, lambda name: name])) == []  # one of them may take it


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'optim_wrapper.optimizer.lr': 'abc'}, r"optim_wrapper.optimizer.lr is 'abc', expected a number"),
        ({'train_cfg.max_epochs': 'x'}, "train_cfg.max_epochs is 'x', expected a whole number"),
        ({'model.shared.embed_dims': '[1'}, r"model.shared.embed_dims is '\[1', expected a whole number"),
        ({'model.decoder': None}, 'model.decoder is None, expected a dict'),
        (
            {'model.query_initializer.num_queries': 0},
            r'model\.query_initializer\.num_queries is 0, expected at least 1',
        ),
        ({'model.shared.num_heads': -8}, r'model\.shared\.num_heads is -8, expected at least 1'),
        (
            {'model.postprocessor.max_predictions': 0},
            r'model\.postprocessor\.max_predictions is 0, expected at least 1',
        ),
        ({'model.shared.dropout': 1.5}, r'model\.shared\.dropout is 1.5, expected a number from 0 to 1'),
        (
            {'model.criterion.losses.span.weight': -10},
            'span.weight is -10, expected a finite number of at least 0',
        ),
        (
            {'model.criterion.losses.span.weight': math.inf},
            'span.weight is inf, expected a finite number',
        ),
        ({'train_dataloader.dataset.limit': -3}, 'dataset.limit is -3, expected at least 1'),
        (
            {'model.postprocessor.nms': {'type': 'SoftNMS', 'threshold': 50}},
            'threshold is 50, expected a number',
        ),
        ({'optim_wrapper.optimizer.lr': -1e-4}, 'optimizer.lr is -0.0001, expected a finite number of at least 0'),
        ({'train_cfg.max_epochs': 0}, 'train_cfg.max_epochs is 0, expected at least 1'),
        ({'model.criterion.losses.span.beta': -1}, 'losses.span.beta is -1, expected at least 0'),
        ({'model.postprocessor.round_to': 0}, 'postprocessor.round_to is 0, expected more than 0'),
        ({'model.projector.audio_dims': -1}, 'projector.audio_dims is -1, expected at least 0'),
        ({'model.criterion.losses.span.beta': math.nan}, 'losses.span.beta is nan, expected at least 0'),
        (
            {'model.criterion.losses.new': {'type': 'LayerContrastLoss', 'weight': 1.0, 'temperature': 0}},
            r'losses\.new\.temperature is 0, expected more than 0',
        ),
    ],
)
def test_values_of_a_config(options, message):
    # A component that this model does not have, and whose arguments have no annotations, changes nothing.
    other = {'Unannotated': lambda embed_dims=None, num_heads=None: None}
    with patch.dict(MODELS.module_dict, other), pytest.raises(UserError, match=message):
        load_config('qd_detr_qvhl', options)


def test_numbers_that_yaml_reads_as_text(tmp_path, repo_dir):
    path = tmp_path / 'rate.yml'
    base = f'_base_: {repo_dir}/configs/qd_detr/qd_detr_qvhl.py'
    path.write_text(f'{base}\noptim_wrapper: {{optimizer: {{lr: 1e-3}}}}\n')
    with pytest.raises(UserError, match=r"lr is '1e-3', expected a number; write 0\.001"):
        load_config(str(path))


def test_a_config_that_ends_the_program(tmp_path):
    (tmp_path / 'ends.py').write_text('raise SystemExit(0)\n')
    with pytest.raises(UserError, match=r'ends\.py: SystemExit: 0'):
        load_config(str(tmp_path / 'ends.py'))


def test_no_audio_and_no_endpoint_features_are_widths_too():
    cfg = load_config('qd_detr_qvhl', {'model.projector.audio_dims': 0})
    assert cfg.model.projector.audio_dims == 0
    assert list(odd_values(dict(endpoint_dims=0), 'p', [MODELS.get('FrontDoorProjector')])) == []


def test_names_of_other_packages_mean_what_they_want():
    class CosineLoss:
        def __init__(self, margin: float = -0.1, beta: float = 1.0) -> None:
            pass

    node = dict(margin=-0.2, beta=float('nan'))
    assert list(odd_values(node, 'p', [CosineLoss])) == ['p.beta is nan, expected a number']
    CosineLoss.__module__ = 'mmvmr.models.losses'
    assert list(odd_values(node, 'p', [CosineLoss])) == [
        'p.margin is -0.2, expected a finite number of at least 0',
        'p.beta is nan, expected at least 0',
    ]
