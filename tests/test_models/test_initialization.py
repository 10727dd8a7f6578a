"""init_cfg of type Pretrained: exactly the weights of the module, or a message."""

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import nn

import mmvmr.models  # noqa: F401
from mmvmr.utils.setup import register_all_modules
from mmvmr.utils.weights import WeightMismatchError


class Small(BaseModule):
    def __init__(self, width=3, **init):
        super().__init__(init_cfg=dict(type='Pretrained', **init))
        self.linear = nn.Linear(2, width)


@pytest.fixture
def file(tmp_path):
    register_all_modules()
    # The current logger is the last one made: not that of another test, whose file may be closed by now.
    MMLogger.get_instance(tmp_path.name)
    weight, bias = torch.arange(6.0).reshape(3, 2), torch.tensor([7.0, 8.0, 9.0])
    path = tmp_path / 'small.pth'
    torch.save({'state_dict': {'linear.weight': weight, 'linear.bias': bias}}, path)
    torch.save(
        {'state_dict': {'part.linear.weight': weight, 'part.linear.bias': bias, 'other': bias}}, tmp_path / 'part.pth'
    )
    return path


def test_the_weights_are_those_of_the_file(file, monkeypatch):
    lines = []
    monkeypatch.setattr('mmvmr.models.initialization.print_log', lambda line, **_: lines.append(line))
    for options in (dict(checkpoint=str(file)), dict(checkpoint=str(file.with_name('part.pth')), prefix='part')):
        module = Small(**options)
        module.init_weights()
        assert module.linear.bias.tolist() == [7, 8, 9] and module.linear.weight[2].tolist() == [4, 5]
    assert lines[0] == f'init_cfg of Small: {file}: 2 of 2 weights of the model fit' and len(lines) == 2


def test_a_bad_fit_is_refused(file):
    for options, message in (
        (dict(width=4), r'0 of 2 weights of the model fit, 2 have another shape'),
        (dict(prefix='encoder.'), r'0 of 2 weights of the model fit, 2 are missing'),
        (dict(width=4, partial=True), r'0 of 2 weights'),
    ):
        with pytest.raises(WeightMismatchError, match=message):
            Small(checkpoint=str(file), **options).init_weights()
    with pytest.raises(WeightMismatchError, match='3 of the file are unexpected'):
        Small(checkpoint=str(file.with_name('part.pth'))).init_weights()


def test_a_part_only_where_it_is_asked_for(file, monkeypatch):
    lines = []
    monkeypatch.setattr('mmvmr.models.initialization.print_log', lambda line, **_: lines.append(line))
    torch.save({'state_dict': {'linear.bias': torch.ones(3)}}, file)
    with pytest.raises(WeightMismatchError, match='1 of 2 weights of the model fit, 1 are missing'):
        Small(checkpoint=str(file)).init_weights()
    module = Small(checkpoint=str(file), partial=True)
    module.init_weights()
    assert module.linear.bias.tolist() == [1, 1, 1]
    assert lines == [
        f'init_cfg of Small: {file}: 1 of 2 weights of the model fit, 1 are missing in the file (linear.weight)'
    ]
