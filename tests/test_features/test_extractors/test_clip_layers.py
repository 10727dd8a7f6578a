"""Tokens of CLIP's last layers, against the towers run step by step, and the way from a file to a model input."""

import numpy as np
import pytest
import torch

from mmvmr.datasets import BaseMomentDataset, FolderStore
from mmvmr.features.extractors import CLIPImageLayersExtractor, CLIPTextLayersExtractor
from mmvmr.features.folder import FeatureFolder
from mmvmr.features.spec import ExtractionSpec
from mmvmr.structures import FeatureSpec

from ..tiny_models import PROJECTED, TOKENS, VISION, write_clip

transformers = pytest.importorskip('transformers')
SENTENCES = ['the door', 'a person opens the', "it's 5, the cat!"]
POSITIONS = 17  # patches of a quarter of the side, and the class token


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return str(write_clip(tmp_path_factory.mktemp('clip') / 'tiny'))


@pytest.fixture(scope='module')
def model(checkpoint):
    return transformers.CLIPModel.from_pretrained(checkpoint).eval()


def steps_of(tower, x, mask=None):
    """Outputs of every layer of a tower, called one after the other."""
    outputs = []
    for layer in tower.encoder.layers:
        x = layer(x, mask)
        x = x if isinstance(x, torch.Tensor) else x[0]
        outputs.append(x)
    return outputs


def images(count, seed=0):
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('num_layers', [1, 2])
def test_tokens_of_frames(checkpoint, model, num_layers):
    extractor, frames = CLIPImageLayersExtractor(checkpoint, clip_len=2.0, num_layers=num_layers), images(3)
    assert extractor.dim == num_layers * POSITIONS * VISION
    tower = model.vision_model
    with torch.no_grad():
        layers = steps_of(tower, tower.pre_layrnorm(tower.embeddings(frames)))
        found = extractor(frames[:, None])
        again = extractor(frames[:, None])
    expected = torch.stack(layers[-num_layers:], dim=1)  # (3, K, 17, 20)
    torch.testing.assert_close(found.view(3, num_layers, POSITIONS, VISION), expected)
    torch.testing.assert_close(found, again, rtol=0, atol=0)
    assert (expected[:, -1] - layers[0]).abs().max() > 1e-2, 'the last layer is not the first'


def test_class_tokens_alone(checkpoint, model):
    extractor, frames = CLIPImageLayersExtractor(checkpoint, clip_len=2.0, num_layers=2, tokens='class'), images(2)
    assert extractor.dim == 2 * VISION
    with torch.no_grad():
        whole = CLIPImageLayersExtractor(checkpoint, clip_len=2.0, num_layers=2)(frames[:, None])
        torch.testing.assert_close(
            extractor(frames[:, None]).view(2, 2, VISION), whole.view(2, 2, POSITIONS, VISION)[:, :, 0]
        )


def test_text_tokens(checkpoint, model):
    extractor = CLIPTextLayersExtractor(checkpoint, num_layers=2)
    assert extractor.dim == 2 * TOKENS
    tokenizer, tower = transformers.AutoTokenizer.from_pretrained(checkpoint), model.text_model
    for (tokens, sentence), text in zip(extractor(SENTENCES), SENTENCES):
        ids = tokenizer(text, return_tensors='pt')['input_ids']
        count = ids.shape[1]
        with torch.no_grad():
            future = torch.full((count, count), -torch.inf).triu(1)[None, None]
            layers = steps_of(tower, tower.embeddings(input_ids=ids), future)
            projected = model.text_projection(tower.final_layer_norm(layers[-1])[0, -1])
        expected = torch.cat(layers, dim=2)[0]  # layer after layer in a vector
        np.testing.assert_allclose(tokens, expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(sentence, projected.numpy(), atol=1e-5)
        assert tokens.shape == (count, 2 * TOKENS) and sentence.shape == (PROJECTED,)


def test_layers_that_a_tower_lacks(checkpoint, tmp_path):
    with pytest.raises(ValueError, match='CLIPImageLayersExtractor: num_layers=3, expected 1 to 2, which the tower'):
        CLIPImageLayersExtractor(checkpoint, clip_len=1.0, num_layers=3)
    with pytest.raises(ValueError, match='CLIPTextLayersExtractor: num_layers=0, expected 1 to 2'):
        CLIPTextLayersExtractor(checkpoint, num_layers=0)
    with pytest.raises(ValueError, match="tokens='patches'"):
        CLIPImageLayersExtractor(checkpoint, clip_len=1.0, num_layers=1, tokens='patches')
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    config = transformers.SiglipConfig(
        text_config=dict(vocab_size=50, max_position_embeddings=16, **sizes),
        vision_config=dict(image_size=32, patch_size=8, **sizes),
    )
    transformers.SiglipModel(config).save_pretrained(tmp_path)
    (tmp_path / 'preprocessor_config.json').write_text(
        '{"image_processor_type": "SiglipImageProcessor", "size": {"height": 32, "width": 32}}'
    )
    with pytest.raises(ValueError, match='image tower of a SiglipModel has no class token'):
        CLIPImageLayersExtractor(str(tmp_path), clip_len=1.0, num_layers=1)


def test_files_are_read_as_extracted_and_as_published(checkpoint, tmp_path):
    """What the folder writes, and an array [clips, layers, tokens, channels] of the same numbers, are one input."""
    dims = dict(clip_layers=2 * POSITIONS * VISION, text=2 * TOKENS)
    declared = dict(
        streams=dict(clip_layers=dict(dim=dims['clip_layers'], normalise='none')),
        text=dict(dim=dims['text'], normalise='none', max_length=77),
        clip_len=2.0,
    )
    extractors = dict(
        clip_layers=dict(type='CLIPImageLayersExtractor', model=checkpoint, num_layers=2),
        text=dict(type='CLIPTextLayersExtractor', model=checkpoint, num_layers=2),
    )
    folder = FeatureFolder(
        tmp_path, ExtractionSpec.from_config(dict(feature_spec=declared, extractors=extractors)), 'float16'
    )
    with torch.no_grad():
        vectors = folder.spec.build('clip_layers')(images(3)[:, None]).numpy()
    ((tokens, sentence),) = folder.spec.build('text')(SENTENCES[:1])
    folder.write('clip_layers', 'v', vectors)
    folder.write('text', 1, tokens, sentence)
    assert folder.issue('clip_layers', 'v') is None and folder.issue('text', 1) is None
    np.save(tmp_path / 'v.npy', vectors.astype(np.float16).reshape(3, 2, POSITIONS, VISION))
    np.save(tmp_path / '1.npy', tokens.astype(np.float16).reshape(-1, 2, TOKENS))

    row = {'vid': 'v', 'qid': 1, 'query': SENTENCES[0], 'duration': 6.0, 'relevant_windows': [[0.0, 2.0]]}
    inputs = []
    for video, text in (('clip_layers_features/{vid}.npz', 'text_features/qid{qid}.npz'), ('{vid}.npy', '{qid}.npy')):
        stores = dict(
            clip_layers=FolderStore('.', video, data_root=str(tmp_path)),
            text=FolderStore('.', text, data_root=str(tmp_path)),
        )
        pipeline = dict(
            load=dict(type='LoadMomentFeatures'),
            tef=dict(type='AppendTEF'),
            targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
            pack=dict(type='PackMomentInputs'),
        )
        dataset = BaseMomentDataset([row], stores, FeatureSpec.from_dict(declared), pipeline)
        inputs.append(dataset[0]['inputs'])
    extracted, published = inputs
    assert extracted['video'].shape == (3, dims['clip_layers'] + 2)
    for name in ('video', 'text'):
        torch.testing.assert_close(published[name], extracted[name], rtol=0, atol=0)
    half = torch.from_numpy(vectors.astype(np.float16)).float()
    torch.testing.assert_close(extracted['video'][:, :-2], half, rtol=0, atol=0)
