"""CLIP towers, from a checkpoint in the real format."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mmvmr.features.extractors import CLIPImageExtractor, CLIPTextExtractor

from ..tiny_models import PROJECTED, TOKENS, write_bert, write_clip

transformers = pytest.importorskip('transformers')
SENTENCES = ['the door', 'a person opens the', 'x', "it's 5, the cat!"]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp('clip') / 'tiny')


@pytest.fixture(scope='module')
def model(checkpoint):
    return transformers.CLIPModel.from_pretrained(checkpoint).eval()


@pytest.fixture(scope='module')
def image_extractor(checkpoint):
    return CLIPImageExtractor(str(checkpoint), clip_len=2.0, position=0.5)


@pytest.fixture(scope='module')
def text_extractor(checkpoint):
    return CLIPTextExtractor(str(checkpoint))


def frames(*sizes):
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_frames_are_prepared_as_clip_says(image_extractor):
    """Shorter side bicubic to the size of the images, central square, mean and standard deviation of CLIP."""
    for frame in frames((48, 80), (90, 40), (32, 32), (20, 50)):
        height, width = frame.shape[:2]
        short = min(height, width)
        size = (int(width * 32 / short), int(height * 32 / short))
        image = Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - 32) // 2, (size[1] - 32) // 2
        square = np.asarray(image.crop((left, top, left + 32, top + 32))) / 255
        mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
        expected = ((square - mean) / deviation).transpose(2, 0, 1)
        found = image_extractor.prepare(frame)
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_frames_are_prepared_as_the_image_processor_does(checkpoint, image_extractor):
    processor = transformers.CLIPImageProcessorPil.from_pretrained(checkpoint)
    (frame,) = frames((45, 70))
    # Turned by 90 degrees, as frames of a telephone: a view that is not contiguous.
    for array in (frame, np.rot90(frame)):
        expected = processor(images=Image.fromarray(np.ascontiguousarray(array)), return_tensors='pt')
        torch.testing.assert_close(image_extractor.prepare(array), expected['pixel_values'][0], rtol=0, atol=0)


def test_image_embeddings(model, image_extractor):
    assert image_extractor.dim == PROJECTED
    np.testing.assert_allclose(image_extractor.timestamps(5), [[1], [3], [5]])
    batch = torch.stack([image_extractor.prepare(f) for f in frames((48, 80), (90, 40), (32, 32))])
    with torch.no_grad():
        found = image_extractor(batch[:, None])
        expected = model.visual_projection(model.vision_model(pixel_values=batch).pooler_output)
        alone = torch.cat([image_extractor(batch[i : i + 1, None]) for i in range(3)])
    assert found.shape == (3, PROJECTED)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found, alone)
    assert (found[0] - found[1]).abs().max() > 1e-3


def test_another_model_with_an_image_tower(tmp_path):
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    config = transformers.SiglipConfig(
        text_config=dict(vocab_size=50, max_position_embeddings=16, **sizes),
        vision_config=dict(image_size=32, patch_size=8, **sizes),
    )
    torch.manual_seed(0)
    siglip = transformers.SiglipModel(config).eval()
    siglip.save_pretrained(tmp_path)
    processor = {'image_processor_type': 'SiglipImageProcessor', 'size': {'height': 32, 'width': 32}}
    (tmp_path / 'preprocessor_config.json').write_text(json.dumps(processor))
    extractor = CLIPImageExtractor(str(tmp_path), clip_len=1.0)
    (frame,) = frames((40, 70))
    prepared = extractor.prepare(frame)
    square = np.asarray(Image.fromarray(frame).resize((32, 32), Image.Resampling.BICUBIC)) / 127.5 - 1
    np.testing.assert_allclose(prepared.numpy(), square.transpose(2, 0, 1), atol=1e-5)  # no crop, other mean
    with torch.no_grad():
        expected = siglip.vision_model(pixel_values=prepared[None]).pooler_output
        torch.testing.assert_close(extractor(prepared[None, None]), expected)
    assert extractor.dim == 16


def test_tokens_and_sentences(checkpoint, model, text_extractor):
    """Equal to one padded batch with a mask."""
    assert text_extractor.dim == TOKENS
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    padded = tokenizer(SENTENCES, padding=True, return_tensors='pt')
    lengths = padded['attention_mask'].sum(1).tolist()
    assert len(set(lengths)) > 2
    with torch.no_grad():
        out = model.text_model(**padded)
        ends = out.last_hidden_state[range(len(lengths)), [n - 1 for n in lengths]]
        pooled = ends @ model.text_projection.weight.T
    for i, (words, sentence) in enumerate(text_extractor(SENTENCES)):
        assert words.shape == (lengths[i], TOKENS)
        np.testing.assert_allclose(words, out.last_hidden_state[i, : lengths[i]].numpy(), atol=1e-5)
        np.testing.assert_allclose(sentence, pooled[i].numpy(), atol=1e-5)


def test_sentences_do_not_depend_on_their_neighbours(text_extractor):
    together = text_extractor(SENTENCES)
    for sentence, (words, pooled) in zip(SENTENCES, together):
        ((alone, alone_pooled),) = text_extractor([sentence])
        np.testing.assert_allclose(words, alone, atol=1e-6)
        np.testing.assert_allclose(pooled, alone_pooled, atol=1e-6)


def test_long_sentences_are_cut(text_extractor):
    ((words, _),) = text_extractor(['the ' * 60])
    assert len(words) == 24  # with start and end


def test_padding_of_models_that_want_it(checkpoint, text_extractor):
    padded = CLIPTextExtractor(str(checkpoint), pad_to=20)
    for (words, pooled), (expected, expected_pooled) in zip(padded(SENTENCES), text_extractor(SENTENCES)):
        assert words.shape == expected.shape
        np.testing.assert_allclose(words, expected, atol=1e-5)  # CLIP looks at what is before a word only
        np.testing.assert_allclose(pooled, expected_pooled, atol=1e-5)


def test_checkpoints_that_do_not_fit(tmp_path, checkpoint):
    with pytest.raises(
        ValueError, match=r"CLIPImageExtractor: AutoModel cannot read model='.*absent'.*Give the folder"
    ):
        CLIPImageExtractor(str(tmp_path / 'absent'), clip_len=1.0)
    bert = write_bert(tmp_path / 'bert')
    with pytest.raises(ValueError, match='BertModel, which has no image tower'):
        CLIPImageExtractor(str(bert), clip_len=1.0)
    with pytest.raises(ValueError, match='BertModel, which has no text tower'):
        CLIPTextExtractor(str(bert))


def test_missing_weights_are_not_drawn_at_random(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = write_clip(tmp_path / 'half')
    weights = load_file(folder / 'model.safetensors')
    left = {name: value for name, value in weights.items() if not name.startswith('visual_projection')}
    save_file(left, folder / 'model.safetensors', metadata={'format': 'pt'})
    with pytest.raises(ValueError, match=r'lacks 1 weights of a CLIPModel: visual_projection\.weight'):
        CLIPImageExtractor(str(folder), clip_len=1.0)


def test_damaged_weights_are_told(tmp_path):
    folder = write_clip(tmp_path / 'damaged')
    weights = folder / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(ValueError, match='CLIPTextExtractor: AutoModel cannot read'):
        CLIPTextExtractor(str(folder))
