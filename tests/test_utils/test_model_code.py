"""Models of the ``transformers`` package never run code that comes with them."""

import json
import re

import pytest

from mmvmr.datasets import TokenIdStore
from mmvmr.features.extractors.pretrained import load_image_processor, load_network, load_pretrained
from mmvmr.models.projectors.text_encoder import TransformersTextEncoder
from mmvmr.preparation.negative_mining import embed_sentences
from mmvmr.utils.dependencies import refuse_model_code

pytest.importorskip('transformers')
ROW = {'vid': 'v', 'qid': 1, 'query': 'a dog'}
CLASSES = {'AutoConfig': 'evil.Config', 'AutoModel': 'evil.Model', 'AutoTokenizer': ['evil.Tokenizer', None]}


def _train(folder):
    encoder = TransformersTextEncoder(
        dict(model_type='distilbert', dim=8, n_layers=1, n_heads=2, hidden_dim=8, vocab_size=20), pretrained=folder
    )
    encoder.init_weights()


READERS = {
    'network': lambda folder: load_network(folder, 'X'),
    'image processor': lambda folder: load_image_processor(folder, 'X'),
    'tokenizer': lambda folder: load_pretrained('AutoTokenizer', folder, 'X'),
    'token store': lambda folder: TokenIdStore(folder).read(ROW),
    'text encoder': _train,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'evil.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")\n')
    return tmp_path


@pytest.mark.parametrize('file', ['config.json', 'tokenizer_config.json', 'preprocessor_config.json'])
@pytest.mark.parametrize('reader', READERS)
def test_a_folder_with_code_is_refused(folder, file, reader):
    (folder / file).write_text(json.dumps({'model_type': 'evil', 'auto_map': CLASSES}))
    message = rf'{re.escape(str(folder / file))} has `auto_map`: .* never run\. Take a model'
    with pytest.raises(ValueError, match=message) as info:
        READERS[reader](str(folder))
    assert 'trust_remote_code' not in str(info.value)
    assert not (folder / 'ran').exists()


def test_sentence_transformers_refuses_as_well(folder):
    pytest.importorskip('sentence_transformers')
    (folder / 'config.json').write_text(json.dumps({'auto_map': CLASSES}))
    with pytest.raises(ValueError, match='has `auto_map`'):
        embed_sentences([ROW], str(folder), 2, 'cpu')
    assert not (folder / 'ran').exists()


def test_the_package_is_asked_to_run_nothing(folder, monkeypatch):
    """Names on a hub have no folder to look at: the argument refuses there."""
    import transformers

    asked = []
    for name in ('AutoTokenizer', 'AutoModel', 'AutoImageProcessor'):
        monkeypatch.setattr(
            getattr(transformers, name), 'from_pretrained', lambda *_, **options: asked.append(options) or 1 / 0
        )
    for reader in ('network', 'image processor', 'tokenizer', 'token store', 'text encoder'):
        with pytest.raises(ZeroDivisionError):
            READERS[reader]('owner/name')
    assert [options['trust_remote_code'] for options in asked] == [False] * 5


def test_other_models_pass(tmp_path):
    (tmp_path / 'config.json').write_text('{"model_type": "bert"}')
    refuse_model_code(str(tmp_path), 'X')
    refuse_model_code('owner/name', 'X')
