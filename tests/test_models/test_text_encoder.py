"""A trainable text encoder of the transformers package, its tokens, and parts that are frozen at first."""

import json
import pickle
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from run_helpers import WORDS, write_tokenizer
from testing import make_samples
from torch import nn

from mmvmr.datasets import MomentDataset, TokenIdStore
from mmvmr.engine import FreezeHook
from mmvmr.models import TransformersTextEncoder
from mmvmr.registry import MODELS

BERT = dict(model_type='distilbert', vocab_size=len(WORDS), dim=16, n_layers=2, n_heads=2, hidden_dim=24)
CLIP = dict(
    model_type='clip_text_model',
    vocab_size=len(WORDS),
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=24,
    projection_dim=12,
    max_position_embeddings=20,
    bos_token_id=2,
    eos_token_id=3,
)


@pytest.fixture(scope='module')
def transformers():
    return pytest.importorskip('transformers')


@pytest.fixture(scope='module')
def tokenizer(transformers, tmp_path_factory):
    """A folder with a tokenizer, as ``save_pretrained`` leaves it."""
    return write_tokenizer(tmp_path_factory.mktemp('tokenizer'))


def make_encoder(seed=0, **kwargs):
    torch.manual_seed(seed)
    return TransformersTextEncoder(**{'architecture': BERT, **kwargs})


def batch():
    tokens = torch.tensor([[2, 4, 5, 6, 7, 3], [2, 4, 5, 3, 0, 0]]).float().unsqueeze(-1)
    return tokens, tokens[..., 0] > 0


@pytest.mark.usefixtures('transformers')
def test_padding_is_not_read():
    encoder = make_encoder().eval()
    tokens, mask = batch()
    words = encoder(tokens, mask)
    assert words.shape == (2, 6, 16)
    torch.testing.assert_close(words[1, :4], encoder(tokens[1:, :4], mask[1:, :4])[0])
    torch.testing.assert_close(words, encoder.model(tokens[..., 0].long(), mask.long()).last_hidden_state)


@pytest.mark.usefixtures('transformers')
def test_projected_words_end_in_the_sentence_embedding():
    encoder = make_encoder(architecture=CLIP, model_class='CLIPTextModelWithProjection').eval()
    tokens, mask = batch()
    words = encoder(tokens, mask)
    assert words.shape == (2, 6, 12)
    sentence = encoder.model(input_ids=tokens[..., 0].long(), attention_mask=mask.long()).text_embeds
    torch.testing.assert_close(words[torch.tensor([0, 1]), torch.tensor([5, 3])], sentence)


@pytest.mark.usefixtures('transformers')
def test_weights_are_read_when_training_starts(tmp_path):
    source = make_encoder(seed=1)
    source.model.save_pretrained(tmp_path)
    encoder = make_encoder(seed=2, pretrained=str(tmp_path))
    assert not torch.equal(*(e.model.embeddings.word_embeddings.weight for e in (encoder, source)))
    encoder.init_weights()
    for name, value in source.state_dict().items():
        assert torch.equal(encoder.state_dict()[name], value), name


@pytest.mark.usefixtures('transformers')
def test_weights_of_another_architecture(tmp_path):
    make_encoder(architecture={**BERT, 'n_layers': 1}).model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r'does not fit text_encoder.architecture: transformer.layer.1'):
        make_encoder(pretrained=str(tmp_path)).init_weights()
    make_encoder(architecture={**BERT, 'hidden_dim': 32}).model.save_pretrained(tmp_path / 'wide')
    with pytest.raises(ValueError, match='does not fit'):
        make_encoder(pretrained=str(tmp_path / 'wide')).init_weights()


@pytest.mark.usefixtures('transformers')
def test_unknown_architecture():
    with pytest.raises(ValueError, match=r"text_encoder.architecture=\{'model_type': 'nothing'"):
        make_encoder(architecture=dict(model_type='nothing'))


@pytest.mark.usefixtures('transformers')
def test_part_of_it_trains():
    encoder = make_encoder(trained=r'layer\.1\.')
    trained = {name for name, p in encoder.model.named_parameters() if p.requires_grad}
    assert trained
    assert all('layer.1.' in name for name in trained)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(ImportError, match='TransformersTextEncoder needs transformers: pip install transformers'):
        make_encoder()
    with pytest.raises(ImportError, match='TokenIdStore needs transformers'):
        TokenIdStore('x').read({'query': 'door'})


def test_token_numbers(tokenizer):
    store = TokenIdStore(tokenizer)
    tokens = store.read({'query': 'person opens the door'})
    assert tokens.dtype == 'float32'
    assert tokens[:, 0].tolist() == [2, 4, 5, 6, 7, 3]
    assert store.spans('person opens  the') == [(0, 0), (0, 6), (7, 12), (14, 17), (0, 0)]
    short = TokenIdStore(tokenizer, max_length=4)
    assert short.read({'query': 'person opens the door'})[:, 0].tolist() == [2, 4, 5, 3]
    assert store.missing([{'query': 'door'}]) == []
    assert pickle.loads(pickle.dumps(store)).read({'query': 'door'}).shape == (3, 1)


@pytest.mark.usefixtures('transformers')
def test_missing_tokenizer(tmp_path):
    with pytest.raises(FileNotFoundError, match='cannot be read'):
        TokenIdStore(str(tmp_path / 'nowhere')).missing([{'query': 'door'}])


@pytest.fixture
def mmn(repo_dir, tokenizer):
    """A tiny MMN with a text encoder, and its data set."""
    init_default_scope('mmvmr')
    cfg = Config.fromfile(repo_dir / 'configs' / '_base_' / 'models' / 'mmn.py')
    sizes = dict(
        shared=dict(embed_dims=8, joint_dims=6, word_dims=16, num_clips=4),
        projector=dict(
            video_dims=5, text_dims=1, num_parts=8, text_encoder=dict(type='TransformersTextEncoder', architecture=BERT)
        ),
        encoder=dict(map=dict(counts=(3,)), num_layers=2, kernel_size=3),
    )
    cfg.merge_from_dict(dict(model=sizes))
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def token_batch(model):
    samples = make_samples(clips=(9, 6), moments=(1, 1))
    tokens, mask = batch()
    inputs = dict(video=[torch.randn(9, 5), torch.randn(6, 5)], text=[t[m] for t, m in zip(tokens, mask)])
    return model.data_preprocessor(dict(inputs=inputs, data_samples=samples))


def test_gradient_reaches_the_text_encoder(mmn):
    losses = mmn.train()(**token_batch(mmn), mode='loss')
    sum(losses.values()).backward()
    assert [name for name, p in mmn.named_parameters() if p.grad is None] == []


def test_pretrained_weights_through_the_detector(mmn, tmp_path):
    source = make_encoder(seed=5)
    source.model.save_pretrained(tmp_path)
    mmn.projector.text_encoder.pretrained = str(tmp_path)
    mmn.init_weights()
    for name, value in source.state_dict().items():
        assert torch.equal(mmn.projector.text_encoder.state_dict()[name], value)


def test_own_learning_rate(mmn):
    wrapper = build_optim_wrapper(
        mmn,
        dict(
            optimizer=dict(type='AdamW', lr=1e-3),
            paramwise_cfg=dict(custom_keys={'projector.text_encoder': dict(lr_mult=0.1)}),
        ),
    )
    rates = {id(group['params'][0]): group['lr'] for group in wrapper.optimizer.param_groups}
    for name, parameter in mmn.named_parameters():
        assert rates[id(parameter)] == pytest.approx(1e-4 if 'text_encoder' in name else 1e-3)


def test_data_set_of_tokens(tmp_path, tokenizer):
    rows = [dict(qid=i, vid='v0', query='person opens the door', duration=20.0) for i in range(2)]
    (tmp_path / 'a.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    np.savez(tmp_path / 'v0.npz', features=np.ones((10, 5), np.float32))
    dataset = MomentDataset(
        ann_file='a.jsonl',
        data_root=str(tmp_path),
        feature_spec=dict(streams=dict(a=dict(dim=5)), text=dict(dim=1, normalise='none'), clip_len=2.0, tef=False),
        stores=dict(a=dict(type='FolderStore', folder=''), text=dict(type='TokenIdStore', tokenizer=tokenizer)),
        pipeline=dict(
            load=dict(type='LoadMomentFeatures'),
            targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
            pack=dict(type='PackMomentInputs'),
        ),
    )
    assert dataset[1]['inputs']['text'][:, 0].tolist() == [2, 4, 5, 6, 7, 3]


class _Runner:
    def __init__(self, model):
        self.model = model
        self.epoch = 0


def make_parts():
    model = nn.Module()
    model.text, model.head = nn.Linear(2, 2), nn.Linear(2, 1)
    model.text.bias.requires_grad_(False)
    return model


def test_frozen_for_some_epochs():
    runner = _Runner(make_parts())
    hook = FreezeHook({'text': 2, 'head': None})
    hook.before_train(runner)
    states = []
    for runner.epoch in range(4):
        hook.before_train_epoch(runner)
        states.append(runner.model.text.weight.requires_grad)
        assert not runner.model.text.bias.requires_grad, 'frozen for good'
        assert runner.model.head.weight.requires_grad
    assert states == [False, False, True, True]


def test_frozen_weights_do_not_decay():
    runner = _Runner(make_parts())
    optimizer = torch.optim.AdamW(runner.model.parameters(), lr=0.1, weight_decay=0.5)
    hook = FreezeHook({'text': 1})
    hook.before_train(runner)
    before = runner.model.text.weight.clone()
    for runner.epoch in range(2):
        hook.before_train_epoch(runner)
        optimizer.zero_grad()
        runner.model.head(runner.model.text(torch.ones(3, 2))).sum().backward()
        optimizer.step()
        assert torch.equal(runner.model.text.weight, before) == (runner.epoch == 0)


def test_resumed_in_the_middle():
    """A resumed run starts in a later epoch: the hook looks at the epoch and not at what it did before."""
    runner = _Runner(make_parts())
    hook = FreezeHook({'text': 2})
    hook.before_train(runner)
    runner.epoch = 3
    hook.before_train_epoch(runner)
    assert runner.model.text.weight.requires_grad


def test_unknown_part():
    with pytest.raises(ValueError, match="the model has no part 'bert'"):
        FreezeHook({'bert': 1}).before_train(_Runner(make_parts()))
