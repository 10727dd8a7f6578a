import numpy as np
import pytest
import torch
from testing.weights import randomise
from torch.nn import functional as F

from mmvmr.features.networks import Cnn14, LogMel, load_weights
from mmvmr.features.networks.cnn14 import without_front_end

pytest.importorskip('transformers')
# 200/3 Hz per mel below 1 kHz, then 27 mels per factor of 6.4.
KNEE, STEP = 15, np.log(6.4) / 27


def mel_filters(sample_rate, n_fft, bins, low, high):
    """Triangles between equal steps on Slaney's mel scale, each of unit area over frequency in Hz."""
    ends = [hz * 3 / 200 if hz < 1000 else KNEE + np.log(hz / 1000) / STEP for hz in (low, high)]
    mels = np.linspace(*ends, bins + 2)
    edges = np.where(mels < KNEE, mels * 200 / 3, 1000 * np.exp(STEP * (np.maximum(mels, KNEE) - KNEE)))
    frequencies = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)[:, None]
    rising, falling = frequencies - edges[:-2], edges[2:] - frequencies
    triangles = np.minimum(rising / np.diff(edges)[:-1], falling / np.diff(edges)[1:]).clip(0)
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype('f4')


@pytest.fixture(scope='module')
def small():
    return randomise(Cnn14(width=2, num_classes=3))


@pytest.fixture(scope='module')
def waveforms():
    return torch.rand(2, 20000, generator=torch.Generator().manual_seed(0)) * 2 - 1


def published_front_end(sample_rate=32000, n_fft=1024, bins=64, low=50, high=14000):
    """The constants that published checkpoints hold beside the weights."""
    n, k = np.arange(n_fft)[:, None], np.arange(n_fft // 2 + 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)
    basis = np.exp(-2j * np.pi * n * k / n_fft) * window
    return {
        'spectrogram_extractor.stft.conv_real.weight': torch.tensor(basis.real.T[:, None], dtype=torch.float32),
        'spectrogram_extractor.stft.conv_imag.weight': torch.tensor(basis.imag.T[:, None], dtype=torch.float32),
        'logmel_extractor.melW': torch.from_numpy(mel_filters(sample_rate, n_fft, bins, low, high)),
    }


def test_sizes_and_names_are_the_published_ones():
    with torch.device('meta'):
        network = Cnn14(front_end=dict())
    assert sum(p.numel() for p in network.parameters()) == 80_753_615
    state = network.state_dict()
    assert state['bn0.running_mean'].shape == (64,)
    assert state['conv_block1.conv1.weight'].shape == (64, 1, 3, 3)
    assert state['conv_block6.conv2.weight'].shape == (2048, 2048, 3, 3)
    assert state['conv_block6.bn2.running_var'].shape == (2048,)
    assert state['fc1.weight'].shape == (2048, 2048)
    assert state['fc_audioset.weight'].shape == (527, 2048)
    assert not any('front_end' in name for name in state)


def test_mel_filters():
    np.testing.assert_allclose(LogMel().filters, mel_filters(32000, 1024, 64, 50, 14000), atol=1e-7)


def test_log_mel_agrees_with_numpy(waveforms):
    samples = np.pad(waveforms[0].numpy().astype('f8'), 512, mode='reflect')
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack([samples[320 * i : 320 * i + 1024] * window for i in range(20000 // 320 + 1)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    expected = 10 * np.log10(np.maximum(power @ mel_filters(32000, 1024, 64, 50, 14000), 1e-10))
    np.testing.assert_allclose(LogMel()(waveforms)[0], expected, atol=1e-3)
    assert LogMel()(torch.zeros(1, 3200)).eq(-100).all()  # silence is the floor, 10 log10(1e-10)


def test_embedding_agrees_with_the_paper_step_by_step(small, waveforms):
    state = small.state_dict()

    def norm(x, name):
        return F.batch_norm(x, *(state[f'{name}.{k}'] for k in ('running_mean', 'running_var', 'weight', 'bias')))

    with torch.no_grad():
        x = norm(LogMel()(waveforms).transpose(1, 2)[..., None], 'bn0')[..., 0].transpose(1, 2)[:, None]
        for i in range(1, 7):
            for j in (1, 2):
                x = F.conv2d(x, state[f'conv_block{i}.conv{j}.weight'], padding=1)
                x = norm(x, f'conv_block{i}.bn{j}').clamp(min=0)
            if i < 6:
                x = F.avg_pool2d(x, 2)
        x = x.sum(3) / x.shape[3]
        x = x.max(2).values + x.sum(2) / x.shape[2]
        expected = (x @ state['fc1.weight'].T + state['fc1.bias']).clamp(min=0)
        features = small.features(waveforms)
        assert features.shape == (2, 64) and 0 < (features > 0).float().mean() < 1
        torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(small.features(waveforms[1:]), features[1:], rtol=1e-4, atol=1e-5)
        logits = expected @ state['fc_audioset.weight'].T + state['fc_audioset.bias']
        torch.testing.assert_close(small(waveforms), logits, rtol=1e-4, atol=1e-5)


def test_shortest_sound(small):
    assert small.min_samples == 31 * 320
    assert small.features(torch.zeros(1, small.min_samples)).shape == (1, 64)
    with pytest.raises(ValueError, match='9919 samples, expected at least 9920'):
        small.features(torch.zeros(1, small.min_samples - 1))


def test_the_front_end_of_a_checkpoint_is_checked_and_left_out(small):
    state = {**published_front_end(), **small.state_dict()}
    rest = without_front_end(state, small.front_end, 'Cnn14.pth')
    assert set(rest) == set(small.state_dict())
    load_weights(Cnn14(width=2, num_classes=3), rest, 'Cnn14.pth')
    assert set(without_front_end(small.state_dict(), small.front_end, 'Cnn14.pth')) == set(rest)


@pytest.mark.parametrize('other', [dict(sample_rate=16000, n_fft=512), dict(high=8000), dict(sample_rate=16000)])
def test_another_front_end_is_refused(small, other):
    state = {**published_front_end(**other), **small.state_dict()}
    with pytest.raises(ValueError, match=r'Cnn14_16k\.pth: logmel_extractor\.melW .* another front end than 32000 Hz'):
        without_front_end(state, small.front_end, 'Cnn14_16k.pth')
