import numpy as np
import pytest
import torch
from testing.weights import randomise

from mmvmr.features.networks import Cnn14
from mmvmr.registry import EXTRACTORS

from ..test_networks.test_cnn14 import published_front_end

TINY = dict(width=2, num_classes=3)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A checkpoint as PANNs saves it."""
    path = tmp_path_factory.mktemp('panns') / 'Cnn14.pth'
    state = {**published_front_end(), **randomise(Cnn14(**TINY)).state_dict()}
    torch.save({'iteration': 600000, 'model': state}, path)
    return path


def build(checkpoint, **kwargs):
    return EXTRACTORS.build(dict(type='PANNsExtractor', checkpoint=str(checkpoint), network=dict(TINY), **kwargs))


def test_sound_of_a_clip(checkpoint):
    extractor = build(checkpoint)
    assert (extractor.sample_rate, extractor.samples_per_clip) == (32000, 64000)
    np.testing.assert_allclose(extractor.starts(5.0), [0, 2, 4])
    wide = build(checkpoint, clip_len=1.0, window=4.0)
    assert wide.samples_per_clip == 128000
    np.testing.assert_allclose(wide.starts(2.0), [-1.5, -0.5])


def test_features_do_not_depend_on_the_batch(checkpoint):
    extractor = build(checkpoint)
    waveforms = torch.rand(2, 64000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    waveforms[1] *= 0.01
    both = extractor(waveforms)
    assert both.shape == (2, extractor.dim) == (2, 64) and both.dtype == torch.float32
    torch.testing.assert_close(extractor(waveforms[1:]), both[1:], rtol=1e-4, atol=1e-5)
    assert (both[0] - both[1]).abs().max() > 1e-3
    assert torch.isfinite(extractor(torch.zeros(1, 64000))).all()  # silence
    assert not extractor.network.training and not any(p.requires_grad for p in extractor.parameters())


def test_wrong_arguments_and_checkpoints_are_told(checkpoint, tmp_path):
    with pytest.raises(ValueError, match=r'a window of 0\.3 s, expected at least 0\.31 s'):
        build(checkpoint, clip_len=0.3)
    content = torch.load(checkpoint, weights_only=True)
    del content['model']['fc1.bias']
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(
        ValueError, match=r'a\.pth: .*not weights of Cnn14: .*, 1 are missing in the file \(fc1\.bias\)'
    ):
        build(tmp_path / 'a.pth')
    content['model'].update(published_front_end(sample_rate=16000, n_fft=512))
    torch.save(content, tmp_path / 'b.pth')
    with pytest.raises(ValueError, match=r'b\.pth: .* belongs to another front end than 32000 Hz'):
        build(tmp_path / 'b.pth')
