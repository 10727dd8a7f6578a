"""Devices by their names."""

import pytest
import torch

from mmvmr.utils.devices import usable_device


@pytest.mark.parametrize(('count', 'auto'), [(0, 'cpu'), (2, 'cuda')])
def test_devices(monkeypatch, count, auto):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    assert usable_device('auto').type == auto and usable_device('cpu').type == 'cpu'
    assert count == 0 or usable_device('cuda:1').index == 1
    with pytest.raises(ValueError, match=f"'cuda:2': torch finds {count} GPUs"):
        usable_device('cuda:2')
    with pytest.raises(ValueError, match="'tpu': expected auto, cpu, cuda or cuda:NUMBER"):
        usable_device('tpu')
