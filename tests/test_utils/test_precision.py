import pytest
from mmengine.config import Config

from mmvmr.utils import precision
from mmvmr.utils.precision import cpu_has_bf16, settle_precision


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile', True),
        ('flags\t\t: fpu amx_bf16', True),
        ('Features\t: fp asimd bf16 i8mm', True),
        ('flags\t\t: fpu avx2 avx512f avx512_vnni', False),
        ('model name\t: avx512_bf16', False),
    ],
)
def test_instructions_of_a_cpu(tmp_path, line, expected):
    path = tmp_path / 'cpuinfo'
    path.write_text(f'processor\t: 0\n{line}\n')
    assert cpu_has_bf16(path) is expected


def config(**types):
    return Config({key: dict(type=value) for key, value in types.items()})


AUTOCAST = dict(optim_wrapper='AutocastOptimWrapper', val_cfg='AutocastValLoop', test_cfg='AutocastTestLoop')
PLAIN = dict(optim_wrapper='OptimWrapper', val_cfg='ValLoop', test_cfg='TestLoop')


@pytest.mark.parametrize(
    ('fast', 'types', 'amp', 'force', 'expected'),
    [
        (True, PLAIN, True, False, AUTOCAST),
        (False, PLAIN, True, False, PLAIN),
        (False, PLAIN, False, True, AUTOCAST),
        (False, AUTOCAST, False, False, PLAIN),  # the config asks for it, as those of a grid do
        (False, AUTOCAST, False, True, AUTOCAST),
        (True, PLAIN, False, False, PLAIN),
    ],
)
def test_precision_that_is_used(monkeypatch, fast, types, amp, force, expected):
    monkeypatch.setattr(precision, 'has_fast_bf16', lambda: fast)
    cfg = config(**types)
    notice = settle_precision(cfg, amp, force)
    assert {key: cfg[key].type for key in expected} == expected
    told = expected is PLAIN and (amp or types is AUTOCAST)
    assert (notice is not None) == told
    if told:
        assert 'float32' in notice and '--force-amp' in notice
