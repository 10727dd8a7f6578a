"""Modules that answering and training do without: each costs a second or so of every start."""

import json
import subprocess
import sys

import pytest

_ANSWER = """
import mmvmr.report
from mmvmr.apis.benchmark import config_finder, random_tokens, random_video

finder = config_finder('qd_detr_qvhl', device='cpu')
answers = finder.answer(random_video(finder, 30.0), ['x'], random_tokens(finder, 1))
assert answers[0].moments
"""
_TRAIN = """
import mmvmr.engine
from mmengine.model import BaseModel
from mmengine.registry import OPTIMIZERS

from mmvmr.models import MomentDetector

assert issubclass(MomentDetector, BaseModel) and OPTIMIZERS.get('Adafactor')
"""
_LOADED = 'import json, sys; print(json.dumps([name for name, module in sys.modules.items() if module]))'


@pytest.mark.slow
@pytest.mark.parametrize(
    'code, absent',
    [
        (_ANSWER, ['transformers', 'tensorboard', 'torch.distributed.fsdp', 'mmengine.optim', 'scipy', 'sympy']),
        (_TRAIN, ['transformers', 'tensorboard']),
    ],
)
def test_what_is_not_imported(code, absent):
    done = subprocess.run([sys.executable, '-c', code + _LOADED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert 'torch' in loaded and not set(absent) & set(loaded)


def test_a_package_counts_as_absent_for_a_while(monkeypatch):
    from mmvmr.engine.optimizers import counted_as_absent

    monkeypatch.delitem(sys.modules, 'this', raising=False)
    with pytest.raises(ImportError, match='this'), counted_as_absent('this'):
        import this  # noqa: F401
    assert 'this' not in sys.modules
    with counted_as_absent('json'):  # imported already
        import json as again
    assert again is json
