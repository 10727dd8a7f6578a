import re

import pytest
import torch
from testing.weights import randomise
from torch.nn import functional as F

from mmvmr.features.networks import SlowFast
from mmvmr.features.networks.caffe2_names import from_caffe2, pyslowfast_name


@pytest.fixture(scope='module')
def published():
    """The published network without memory for its weights."""
    with torch.device('meta'):
        return SlowFast()


@pytest.fixture(scope='module')
def small():
    return randomise(SlowFast(width=8, depths=(2, 1, 2, 1), num_classes=5))


def test_sizes_are_the_published_ones(published):
    count = sum(p.numel() for p in published.parameters())
    assert round(count / 1e6, 2) == 34.57  # PyTorchVideo's model zoo, SlowFast R50 8x8
    with torch.device('meta'):
        shorter = SlowFast(fusion_kernel=5)
    assert round(sum(p.numel() for p in shorter.parameters()) / 1e6, 2) == 34.48  # SlowFast R50 4x16
    assert published.num_features == 2304


@pytest.mark.parametrize(
    ('name', 'shape'),
    [
        ('s1.pathway0_stem.conv.weight', (64, 3, 1, 7, 7)),
        ('s1.pathway1_stem.conv.weight', (8, 3, 5, 7, 7)),
        ('s1.pathway1_stem.bn.running_var', (8,)),
        ('s1_fuse.conv_f2s.weight', (16, 8, 7, 1, 1)),
        ('s1_fuse.bn.weight', (16,)),
        ('s2.pathway0_res0.branch1.weight', (256, 80, 1, 1, 1)),
        ('s2.pathway0_res0.branch2.a.weight', (64, 80, 1, 1, 1)),
        ('s2.pathway1_res0.branch1_bn.bias', (32,)),
        ('s2.pathway1_res2.branch2.a.weight', (8, 32, 3, 1, 1)),
        ('s3.pathway0_res0.branch2.a.weight', (128, 320, 1, 1, 1)),
        ('s3.pathway0_res3.branch2.b.weight', (128, 128, 1, 3, 3)),
        ('s4.pathway0_res0.branch2.a.weight', (256, 640, 3, 1, 1)),
        ('s4.pathway0_res5.branch2.c_bn.running_mean', (1024,)),
        ('s4_fuse.conv_f2s.weight', (256, 128, 7, 1, 1)),
        ('s5.pathway0_res0.branch1.weight', (2048, 1280, 1, 1, 1)),
        ('s5.pathway1_res2.branch2.c.weight', (256, 64, 1, 1, 1)),
        ('head.projection.weight', (400, 2304)),
        ('head.projection.bias', (400,)),
    ],
)
def test_names_and_shapes_are_those_of_pyslowfast(published, name, shape):
    assert published.state_dict()[name].shape == shape


def reference(state, slow, fast, depths):
    """SlowFast as one function, after table 1 of the paper, from weights only."""

    def conv(x, name, norm, stride=1, relu=True):
        weight = state[f'{name}.weight']
        padding = [k // 2 for k in weight.shape[2:]]
        x = F.conv3d(x, weight, None, stride, padding)
        mean, var, scale, bias = (state[f'{norm}.{k}'] for k in ('running_mean', 'running_var', 'weight', 'bias'))
        x = (x - mean.view(-1, 1, 1, 1)) / (var.view(-1, 1, 1, 1) + 1e-5).sqrt()
        x = x * scale.view(-1, 1, 1, 1) + bias.view(-1, 1, 1, 1)
        return x.clamp(min=0) if relu else x

    paths = [slow, fast]
    for p in (0, 1):
        x = conv(paths[p], f's1.pathway{p}_stem.conv', f's1.pathway{p}_stem.bn', (1, 2, 2))
        paths[p] = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for stage in (2, 3, 4, 5):
        fuse = f's{stage - 1}_fuse'
        paths[0] = torch.cat([paths[0], conv(paths[1], f'{fuse}.conv_f2s', f'{fuse}.bn', (4, 1, 1))], 1)
        for p in (0, 1):
            x = paths[p]
            for i in range(depths[stage - 2]):
                block = f's{stage}.pathway{p}_res{i}'
                stride = (1, 2, 2) if stage > 2 and i == 0 else (1, 1, 1)
                y = conv(x, f'{block}.branch2.a', f'{block}.branch2.a_bn')
                y = conv(y, f'{block}.branch2.b', f'{block}.branch2.b_bn', stride)
                y = conv(y, f'{block}.branch2.c', f'{block}.branch2.c_bn', relu=False)
                if i == 0:
                    x = conv(x, f'{block}.branch1', f'{block}.branch1_bn', stride, relu=False)
                x = (x + y).clamp(min=0)
            paths[p] = x
    return torch.cat([x.flatten(2).mean(2) for x in paths], 1)


def test_features_agree_with_the_paper_as_one_function(small):
    generator = torch.Generator().manual_seed(1)
    slow = torch.randn(2, 3, 2, 37, 50, generator=generator)
    fast = torch.randn(2, 3, 8, 37, 50, generator=generator)
    with torch.no_grad():
        features = small.features(slow, fast)
        assert features.shape == (2, 36 * 8)
        expected = reference(small.state_dict(), slow, fast, (2, 1, 2, 1))
        torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
        weight, bias = small.head.projection.weight, small.head.projection.bias
        torch.testing.assert_close(small(slow, fast), expected @ weight.T + bias, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(small.features(slow[1:], fast[1:]), features[1:], rtol=1e-4, atol=1e-5)


def test_wrong_arguments_are_told(small):
    with pytest.raises(ValueError, match='2 slow and 6 fast frames'):
        small.features(torch.zeros(1, 3, 2, 32, 32), torch.zeros(1, 3, 6, 32, 32))
    with pytest.raises(ValueError, match='width is 12'):
        SlowFast(width=12)


@pytest.mark.parametrize(
    ('blob', 'name'),
    [
        ('conv1_w', 's1.pathway0_stem.conv.weight'),
        ('res_conv1_bn_s', 's1.pathway0_stem.bn.weight'),
        ('t_conv1_w', 's1.pathway1_stem.conv.weight'),
        ('t_res_conv1_bn_riv', 's1.pathway1_stem.bn.running_var'),
        ('t_pool1_subsample_w', 's1_fuse.conv_f2s.weight'),
        ('t_pool1_subsample_bn_rm', 's1_fuse.bn.running_mean'),
        ('t_res4_5_branch2c_bn_subsample_w', 's4_fuse.conv_f2s.weight'),
        ('t_res4_5_branch2c_bn_subsample_bn_b', 's4_fuse.bn.bias'),
        ('res4_0_branch1_w', 's4.pathway0_res0.branch1.weight'),
        ('res4_0_branch1_bn_b', 's4.pathway0_res0.branch1_bn.bias'),
        ('res5_2_branch2a_w', 's5.pathway0_res2.branch2.a.weight'),
        ('t_res2_1_branch2c_bn_riv', 's2.pathway1_res1.branch2.c_bn.running_var'),
        ('pred_w', 'head.projection.weight'),
        ('pred_b', 'head.projection.bias'),
        ('nonlocal_conv3_1_theta_w', None),
        ('t_pred_w', None),
        ('label', None),
    ],
)
def test_names_of_caffe2(blob, name):
    assert pyslowfast_name(blob) == name


def caffe2_blobs(state):
    """The blobs that Caffe2 would have for a state dict, by replacements in the other direction."""
    last_block = {stage: max(int(n.split('_res')[1].split('.')[0]) for n in state if n.startswith(f's{stage}.pathway1'))
                  for stage in (2, 3, 4)}  # fmt: skip
    blobs = {}
    for name, value in state.items():
        if name.endswith('num_batches_tracked'):
            continue
        blob = re.sub(r'^s1\.pathway(\d)_stem\.conv', r'P\1conv1', name)
        blob = re.sub(r'^s1\.pathway(\d)_stem\.bn', r'P\1res_conv1_bn', blob)
        blob = re.sub(r'^s1_fuse', 't_pool1_subsample', blob)
        blob = re.sub(r'^s(\d)_fuse', lambda m: f't_res{m[1]}_{last_block[int(m[1])]}_branch2c_bn_subsample', blob)
        blob = re.sub(r'^s(\d)\.pathway(\d)_res(\d)', r'P\2res\1_\3_', blob)
        blob = blob.replace('_.branch1', '_branch1').replace('_.branch2.', '_branch2')
        blob = blob.replace('P0', '').replace('P1', 't_').replace('head.projection', 'pred')
        blob = blob.replace('subsample.conv_f2s', 'subsample').replace('subsample.bn', 'subsample_bn')
        norm = 'bn.' in blob
        for ours, theirs in (('.running_mean', '_rm'), ('.running_var', '_riv'), ('.bias', '_b')):
            blob = blob.replace(ours, theirs)
        blobs[blob.replace('.weight', '_s' if norm else '_w')] = value.numpy()
    return blobs


def test_all_blobs_of_caffe2_become_the_state_dict(small):
    state = {k: v for k, v in small.state_dict().items() if not k.endswith('num_batches_tracked')}
    blobs = caffe2_blobs(state)
    assert {'conv1_w', 't_pool1_subsample_bn_s', 't_res2_1_branch2c_bn_subsample_w', 'res3_0_branch2b_bn_rm'} <= set(
        blobs
    )
    training = {'lr': torch.zeros(1).numpy(), 'conv1_w_momentum': blobs['conv1_w'], 'model_iter': 7, 'label': 'x'}
    converted = from_caffe2({'blobs': {**blobs, **training}}, 'a.pkl')
    assert set(converted) == set(state)
    assert all(torch.equal(converted[name], value) for name, value in state.items())


def test_other_pickles_are_told():
    with pytest.raises(ValueError, match=r"a\.pkl: expected the key `blobs` of Caffe2, found \['params'\]"):
        from_caffe2({'params': {}}, 'a.pkl')
    with pytest.raises(ValueError, match="the blob 'nonlocal_conv3_1_g_w' belongs to no part of SlowFast"):
        from_caffe2({'blobs': {'nonlocal_conv3_1_g_w': torch.zeros(1).numpy()}}, 'a.pkl')
    with pytest.raises(ValueError, match='conv1_w is int, expected an array of real numbers'):
        from_caffe2({'blobs': {'conv1_w': 3}}, 'a.pkl')
