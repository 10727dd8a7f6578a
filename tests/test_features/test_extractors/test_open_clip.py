"""Towers of open_clip, from a small Perception Encoder with random weights in the real format.

Skipped where open_clip is not installed: its torchvision has to fit torch, so the test requirements leave it out.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mmvmr.features.extractors import OpenCLIPImageExtractor, OpenCLIPTextExtractor

WIDTH, DIM, CONTEXT = 24, 20, 12
SENTENCES = ['the door', 'a person opens the old wooden door', 'x']
MODEL_CFG = {
    'embed_dim': DIM,
    'vision_cfg': {
        'image_size': 384,
        'timm_model_name': 'vit_pe_core_tiny_patch16_384',
        'timm_model_pretrained': False,
        'timm_pool': 'map',
        'timm_proj': 'linear',
    },
    'text_cfg': {'context_length': CONTEXT, 'vocab_size': 49408, 'width': WIDTH, 'heads': 2, 'layers': 2},
    'custom_text': True,
}
PREPROCESS = {'mean': [0.5] * 3, 'std': [0.5] * 3, 'interpolation': 'bilinear', 'resize_mode': 'squash'}


@pytest.fixture(scope='module')
def open_clip():
    return pytest.importorskip('open_clip')


def write(folder, network, model_cfg=MODEL_CFG):
    from safetensors.torch import save_file

    config = {'model_cfg': model_cfg, 'preprocess_cfg': PREPROCESS}
    (folder / 'open_clip_config.json').write_text(json.dumps(config))
    save_file(network.state_dict(), folder / 'open_clip_model.safetensors')
    return str(folder)


@pytest.fixture(scope='module')
def network(open_clip):
    torch.manual_seed(0)
    return open_clip.CustomTextCLIP(**{k: v for k, v in MODEL_CFG.items() if k != 'custom_text'}).eval()


@pytest.fixture(scope='module')
def checkpoint(network, tmp_path_factory):
    return write(tmp_path_factory.mktemp('pe'), network)


def test_frames_and_embeddings(network, checkpoint):
    """Squashed to a square, bilinear, x / 127.5 - 1, then pooled by attention and projected."""
    extractor = OpenCLIPImageExtractor(checkpoint, clip_len=2.0, position=0.5)
    frame = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    square = np.asarray(Image.fromarray(frame).resize((384, 384), Image.Resampling.BILINEAR)) / 127.5 - 1
    prepared = extractor.prepare(np.rot90(np.rot90(frame, -1)))  # a view that is not contiguous
    np.testing.assert_allclose(prepared.numpy(), square.transpose(2, 0, 1), atol=1e-5)
    trunk, head = network.visual.trunk, network.visual.head
    with torch.no_grad():
        expected = head(trunk.forward_head(trunk.forward_features(prepared[None])))
        torch.testing.assert_close(extractor(prepared[None, None]), expected)
    assert extractor.dim == DIM
    assert expected.shape == (1, DIM)
    np.testing.assert_allclose(extractor.timestamps(5), [[1], [3], [5]])


def test_tokens_and_sentences(network, checkpoint):
    """The sentence is the projected end token, and padding changes nothing."""
    extractor = OpenCLIPTextExtractor(checkpoint)
    assert extractor.dim == WIDTH
    projection = network.text.text_projection.detach().numpy()
    lengths = 2 + 2, 2 + 7, 2 + 1  # words, with the start and end token
    for (tokens, sentence), length in zip(extractor(SENTENCES), lengths):
        assert tokens.shape == (length, WIDTH)
        np.testing.assert_allclose(tokens[-1] @ projection, sentence, atol=1e-5)
    ids = extractor.tokenizer([SENTENCES[0]])
    ids[0, 4:] = 5
    with torch.no_grad():
        network.text.output_tokens = True
        _, tokens = network.text(ids)
        network.text.output_tokens = False
    np.testing.assert_allclose(extractor(SENTENCES[:1])[0][0], tokens[0, :4].numpy(), atol=1e-5)
    ((cut, _),) = extractor(['door ' * 30])
    assert cut.shape == (CONTEXT, WIDTH)


@pytest.mark.parametrize('key', ['hf_model_name', 'hf_tokenizer_name'])
def test_other_text_towers_are_refused(network, tmp_path, key):
    model_cfg = {**MODEL_CFG, 'text_cfg': {**MODEL_CFG['text_cfg'], key: 'someone/model'}}
    folder = write(tmp_path, network, model_cfg)
    with pytest.raises(ValueError, match='text tower'):
        OpenCLIPTextExtractor(folder)


def test_a_checkpoint_that_lacks_weights_or_is_none(open_clip, network, tmp_path):
    folder = write(tmp_path, network)
    (tmp_path / 'open_clip_model.safetensors').unlink()
    with pytest.raises(ValueError, match='OpenCLIPImageExtractor: open_clip cannot read model='):
        OpenCLIPImageExtractor(folder, clip_len=1.0)
    (tmp_path / 'open_clip_config.json').write_text('{')
    with pytest.raises(ValueError, match='OpenCLIPTextExtractor: open_clip cannot read model='):
        OpenCLIPTextExtractor(folder)


def test_without_the_package(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, 'open_clip', None)
    with pytest.raises(ImportError, match='pip install open-clip-torch, with the torchvision that fits your torch'):
        OpenCLIPTextExtractor(str(tmp_path))
