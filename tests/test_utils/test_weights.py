import pytest
import torch
from torch import nn

from mmvmr.utils.weights import (
    WeightMismatchError,
    compare_weights,
    not_finite,
    require_finite,
    require_fit,
    weights_of,
)


def refusal(own, given, checkpoint=None):
    with pytest.raises(WeightMismatchError) as error:
        require_fit(compare_weights(own, given), checkpoint or {}, 'a.pth')
    return str(error.value)


OWN = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).state_dict()  # 0.weight (3, 2), 0.bias, 1.weight (1, 3), 1.bias


def test_exact_fit():
    fit = compare_weights(OWN, dict(reversed(OWN.items())))
    assert fit.exact and fit.counts() == '4 of 4 weights of the model fit'
    require_fit(fit, {}, 'a.pth')


def test_counts_and_first_names():
    given = {'0.weight': torch.zeros(3, 2), '0.bias': torch.zeros(5), 'a': torch.zeros(1), 'b': torch.zeros(1)}
    assert compare_weights(OWN, given).counts() == (
        '1 of 4 weights of the model fit, 2 are missing in the file (1.weight, 1.bias), '
        '1 have another shape (0.bias (5,) instead of (3,)), 2 of the file are unexpected (a, b)'
    )
    many = {f'x{i}': torch.zeros(1) for i in range(5)}
    assert '5 of the file are unexpected (x0, x1, x2, ...)' in compare_weights(OWN, many).counts()


@pytest.mark.parametrize(
    ('given', 'checkpoint', 'reason'),
    [
        ({f'module.{k}': v for k, v in OWN.items()}, {}, 'all names in the file begin with `module.`'),
        ({f'model.{k}': v for k, v in OWN.items()}, {}, 'all names in the file begin with `model.`'),
        ({'module.x': torch.zeros(1)}, {}, 'all names in the file begin with `module.`'),
        ({k: v.repeat(2, *[1] * (v.dim() - 1)) for k, v in OWN.items()}, {}, 'the same method with another width'),
        (
            {'transformer.encoder.norm.weight': torch.zeros(1)},
            {},
            'mmvmr convert METHOD a.pth OUT.pth',
        ),
        (
            {**OWN, 'decoder.x': torch.zeros(1)},
            {'meta': {'experiment_name': 'qd_detr_qvhl_20261128_101010'}},
            'another method, or other components than those of the training; the checkpoint was made by the config '
            '`qd_detr_qvhl`',
        ),
        ({**OWN, 'decoder.x': torch.zeros(1)}, {'meta': 3}, 'another method'),
    ],
)
def test_likely_reason(given, checkpoint, reason):
    text = refusal(OWN, given, checkpoint)
    assert f'Likely reason: {reason}' in text or reason in text


def test_whatever_has_no_weights():
    assert weights_of({'a': torch.ones(1)}, 'a.pth') == {'a': torch.ones(1)}  # bare weights
    for checkpoint, expected in [
        ({}, 'holds no weights'),
        ({'state_dict': {}}, 'holds no weights'),
        ({'state_dict': [1]}, '`state_dict` is a list'),
        ({'state_dict': {'a': 'text'}}, '`a` in the state_dict is a str'),
        ({'model': {'a': torch.ones(1)}, 'epoch': 3}, 'an official checkpoint; convert it with `mmvmr'),
        ({'meta': {}}, '`meta` in the file is a dict'),
    ]:
        with pytest.raises(WeightMismatchError, match=r'^a\.pth: ') as error:
            weights_of(checkpoint, 'a.pth')
        assert expected in str(error.value)


def test_nan_is_found_without_overflow():
    weights = {
        'large': torch.full((4,), 3e38),  # finite, though its sum is not
        'nan': torch.tensor([0.0, float('nan')]),
        'count': torch.tensor(3),
        'empty': torch.zeros(0),
        'inf': torch.tensor([-float('inf')]),
    }
    assert not_finite(weights) == ['nan', 'inf']
    with pytest.raises(WeightMismatchError, match=r'2 of 5 weights hold NaN or infinity \(nan, inf\)'):
        require_finite(weights, 'a.pth')


def test_numbers_of_another_kind_do_not_fit():
    """Cast to real numbers, whole ones would have lost their decimals and complex ones a part."""
    own = {'a': torch.ones(2), 'steps': torch.tensor(3)}
    assert compare_weights(own, {'a': own['a'].half(), 'steps': own['steps'].int()}).exact
    for given, kind in ((own['a'].int(), 'whole numbers'), (own['a'].to(torch.complex64), 'complex')):
        assert compare_weights(own, {**own, 'a': given}).misshapen == {'a': ((2, kind), (2,))}
    assert compare_weights(own, {**own, 'steps': torch.tensor(3.5)}).misshapen == {'steps': ((), ('whole numbers',))}
