"""Prototypes, and videos of other samples, of CausalVTG; the recording compares the whole model."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from testing import make_batch, make_targets, tiny_model
from torch import nn

from mmvmr.models.encoders import MismatchedVideoEncoder
from mmvmr.models.heads import RelevanceHead
from mmvmr.models.layers import kmeans
from mmvmr.models.losses import ExistenceLoss
from mmvmr.models.projectors import FrontDoor, FrontDoorProjector, PrototypeMemory
from mmvmr.models.task_modules import NextVideoSampler, SimilarSentenceSampler
from mmvmr.registry import MODELS
from mmvmr.structures import (
    Existence,
    Features,
    Memory,
    MismatchedVideos,
    MomentTargets,
    Outputs,
    Tokens,
)

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models' / 'causal_vtg.py'


def ones(*shape):
    return torch.ones(shape, dtype=torch.bool)


def plain_memory(prototypes, momentum=0.5):
    """A memory whose map leaves vectors as they are."""
    memory = PrototypeMemory(2, 2, len(prototypes), momentum, 0.0)
    memory.map = nn.Identity()
    memory.prototypes = torch.tensor(prototypes)
    return memory


def test_the_nearest_prototype_moves_half_way_each_time():
    memory = plain_memory([[8.0, 0.0], [0.0, 4.0]])
    before = memory.prototypes
    # By direction the first and the last are nearest to (8, 0): 8 -> 6 -> (4, 1); the second to (0, 4): -> (1, 6).
    memory.observe(torch.tensor([[4.0, 0.0], [2.0, 8.0], [2.0, 2.0 - 1e-3]]))
    torch.testing.assert_close(memory.prototypes, torch.tensor([[4.0, 1.0 - 5e-4], [1.0, 6.0]]))
    assert before.tolist() == [[8.0, 0.0], [0.0, 4.0]]  # what a backward pass may still need


def test_movements_equal_the_loop():
    torch.manual_seed(0)
    memory = PrototypeMemory(5, 4, 3, momentum=0.75, input_dropout=0.0)
    expected, means = memory.prototypes.clone(), torch.randn(9, 5)
    mapped = memory.map(means)
    nearest = [max(range(3), key=lambda k: torch.cosine_similarity(v, expected[k], dim=0).item()) for v in mapped]
    for vector, index in zip(mapped, nearest, strict=True):
        expected[index] = 0.75 * expected[index] + 0.25 * vector
    assert max(map(nearest.count, range(3))) > 2
    memory.observe(means)
    torch.testing.assert_close(memory.prototypes, expected)
    assert not list(memory.parameters())


def test_the_map_of_means_equals_its_formula():
    torch.manual_seed(0)
    memory = PrototypeMemory(5, 4, 3, momentum=0.5, input_dropout=0.5).eval()
    x = torch.randn(2, 5)
    first, second = memory.map
    hidden = (nn.functional.layer_norm(x, (5,)) @ first.linear.weight.t() + first.linear.bias).relu()
    expected = nn.functional.layer_norm(hidden, (4,)) @ second.linear.weight.t() + second.linear.bias
    torch.testing.assert_close(memory.map(x), expected)


def test_attention_to_prototypes_by_eye():
    """Weights 3/4 and 1/4 on the values 4 and 8 along the first channel, and a gate of 1/4."""
    door = FrontDoor(2, num_heads=1, dropout=0.0)
    for layer in (door.query, door.key, door.value):
        nn.init.zeros_(layer.bias)
        layer.weight.data = torch.eye(2)
    for gate, bias in ((door.own_gate, -math.log(2)), (door.attended_gate, -math.log(1.5))):
        nn.init.zeros_(gate.weight)
        gate.bias.data.fill_(bias)
    door.norm = nn.Identity()
    distance = math.log(3) * math.sqrt(2) / 4
    x = torch.tensor([[[-distance, 2.0]]])
    # Logits: -4 d / sqrt(2) and -8 d / sqrt(2), which differ by log 3.
    found = door(x, torch.tensor([[4.0, 0.0], [8.0, 0.0]]))
    torch.testing.assert_close(found, 0.25 * torch.tensor([[[5.0, 0.0]]]) + 0.75 * x)


class Samples:
    """Two videos with two sentences each, as a data set loads them."""

    SENTENCES = (0.0, 1.0, 10.0, 12.0)

    def __len__(self):
        return 4

    def loaded(self, index):
        video = np.array([[first + index // 2, 0, 1, 4] for first in (9, 3, 0)])
        text = np.array([[self.SENTENCES[index], 1.0, 3.0]])
        return {'vid': f'v{index // 2}', 'video_feat': video.astype(np.float32), 'text_feat': text}


def projector(num_prototypes):
    inner = dict(type='LinearProjector', embed_dims=8)
    return FrontDoorProjector(inner, video_dims=6, text_dims=3, embed_dims=8, num_prototypes=num_prototypes)


def test_prototypes_start_from_clusters_of_videos_and_sentences():
    torch.manual_seed(0)
    model = projector(2).train()
    assert not model.fitted
    model.fit(Samples())
    assert model.fitted and model.training and model.memories.text.map.training
    model.eval()
    clusters = {'video': [[4.0, 0.0, 1.0, 4.0], [5.0, 0.0, 1.0, 4.0]], 'text': [[0.5, 1.0, 3.0], [11.0, 1.0, 3.0]]}
    for name, centres in clusters.items():
        memory = model.memories[name]
        expected = memory.map(torch.tensor(centres))
        found = memory.prototypes[memory.prototypes[:, 0].argsort()]
        torch.testing.assert_close(found, expected[expected[:, 0].argsort()])


def test_more_prototypes_than_videos():
    torch.manual_seed(0)
    model = projector(3)
    before = model.memories.video.prototypes.clone()
    model.fit(Samples())
    assert torch.equal(model.memories.video.prototypes[2], before[2])
    assert not torch.isclose(model.memories.video.prototypes[:2], before[:2]).any()
    assert not torch.isclose(model.memories.text.prototypes, before).any()


def inputs_of(**tensors):
    return {**tensors, **{f'{name}_mask': ones(*tensor.shape[:2]) for name, tensor in tensors.items()}}


def test_prototypes_move_in_training_alone_and_not_by_unmatched_sentences():
    torch.manual_seed(0)
    model = projector(3)
    inputs = inputs_of(video=torch.randn(2, 5, 6), text=torch.randn(2, 4, 3), neg_text=torch.randn(2, 4, 3))
    inputs['text_mask'][1, 1:] = False
    states = {name: memory.prototypes.clone() for name, memory in model.memories.items()}
    features = model.eval()(inputs)
    assert all(torch.equal(memory.prototypes, states[name]) for name, memory in model.memories.items())
    again = model(dict(inputs, text=inputs['neg_text'], text_mask=inputs['neg_text_mask']))
    torch.testing.assert_close(features.negative_text.feat, again.text.feat)
    expected = copy.deepcopy(model.memories)
    expected.video.observe(inputs['video'][..., :4].mean(1))  # without temporal endpoint features
    expected.text.observe(torch.stack((inputs['text'][0].mean(0), inputs['text'][1, 0])))
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    model.train()(inputs)
    for name, memory in model.memories.items():
        torch.testing.assert_close(memory.prototypes, expected[name].prototypes)
        assert not torch.equal(memory.prototypes, states[name])


def test_videos_without_sentences():
    inner = dict(type='PlainProjector', embed_dims=8, text_embed_dims=16)
    model = FrontDoorProjector(
        inner, video_dims=4, text_dims=2, embed_dims=8, text_embed_dims=16, num_prototypes=3, endpoint_dims=0
    )
    inputs = inputs_of(video=torch.randn(2, 5, 4), text=torch.randn(3, 3, 2))
    together = model.eval()(inputs)
    alone = model({name: inputs[name] for name in ('video', 'video_mask')})
    assert alone.text is None and together.text.feat.shape == (3, 3, 16)
    torch.testing.assert_close(alone.video.feat, together.video.feat)


def test_kmeans():
    points = torch.tensor([[0.0], [1.0], [10.0], [12.0], [11.0]])
    for seed in range(5):
        assert sorted(kmeans(points, 2, seed=seed).flatten().tolist()) == [0.5, 11.0]
    assert sorted(kmeans(points, 5).flatten().tolist()) == [0, 1, 10, 11, 12]


def targets_of(*videos):
    count = len(videos)
    none = torch.zeros(count, 1)
    index = torch.tensor([videos.index(video) for video in videos])
    return MomentTargets(none, none, none, none, none, none, index, ['main'] * count)


def features_of(video, text, raw=None):
    clips, words = Tokens(video, ones(*video.shape[:2])), Tokens(text, ones(*text.shape[:2]))
    return Features(clips, words, raw_video=None if raw is None else clips.replace(raw))


def test_other_videos():
    text = torch.tensor([[[1.0, 0.0]], [[0.0, 5.0]], [[2.0, 0.1]], [[0.1, 1.0]]])
    features = features_of(torch.zeros(4, 1, 2), text)
    features.text.mask = ones(4, 1)
    targets = targets_of('a', 'b', 'c', 'd')
    assert NextVideoSampler()(features, targets).tolist() == [1, 2, 3, 0]
    assert SimilarSentenceSampler()(features, targets).tolist() == [2, 3, 0, 1]
    single = features_of(torch.zeros(1, 1, 2), text[:1])
    assert SimilarSentenceSampler()(single, targets_of('a')).tolist() == [0]


def test_padding_of_a_sentence_is_not_compared():
    text = torch.tensor([[[1.0, 0.0], [0.0, 9.0]], [[0.0, 1.0], [0.0, 1.0]], [[1.0, 0.1], [1.0, 0.1]]])
    features = features_of(torch.zeros(3, 1, 2), text)
    features.text.mask[0, 1] = False
    assert SimilarSentenceSampler()(features, targets_of('a', 'b', 'c')).tolist()[0] == 2


@MODELS.register_module(force=True)
class SumOfMeans(nn.Module):
    """An encoder whose clips are 100 times themselves and the mean word, and which writes down whether it trains."""

    def forward(self, features, targets=None):
        video = features.video.replace(100 * features.video.feat + features.text.feat.mean(1, keepdim=True))
        return Memory(video, video, features.text, sentence=features.raw_video.feat * (1 if targets is None else -1))


def test_sentences_with_other_videos():
    encoder = MismatchedVideoEncoder(
        dict(type='SumOfMeans'), dict(next=dict(type='NextVideoSampler'), similar=dict(type='SimilarSentenceSampler'))
    )
    clips, words = torch.tensor([[[1.0]], [[2.0]], [[3.0]]]), torch.tensor([[[4.0]], [[-5.0]], [[6.0]]])
    features = features_of(clips, words, raw=clips.squeeze(1))
    memory = encoder(features, targets_of('a', 'b', 'a'))
    pairs = memory.extra(MismatchedVideos, 'test')
    assert memory.video.feat.flatten().tolist() == [104, 195, 306]
    assert memory.sentence.flatten().tolist() == [-1, -2, -3]
    # Sentences with the videos 1, 2, 0, and with those of the most similar sentence 2, 0, 0.
    assert [m.video.feat.flatten().tolist() for m in pairs.memories] == [[204, 295, 106], [304, 95, 106]]
    assert [m.sentence.flatten().tolist() for m in pairs.memories] == [[2, 3, 1], [3, 1, 1]]
    assert pairs.same_video.tolist() == [[False, True], [False, False], [True, True]]
    assert encoder(features).find(MismatchedVideos) is None


def test_relevance_of_pairs():
    head = RelevanceHead(1)
    head.norm = nn.Identity()
    head.linear.weight.data = torch.tensor([[1.0, 10.0]])
    head.linear.bias.data.fill_(0.5)
    mask = torch.tensor([[True, True, False]])

    def memory(*clips):
        video = Tokens(torch.tensor([clips]).unsqueeze(-1), mask)
        return Memory(video, video, Tokens(torch.tensor([[[2.0], [7.0]]]), torch.tensor([[True, False]])))

    own = memory(1.0, 3.0, 9.0)
    outputs = Outputs(None, own, None, None, [])
    existence = head(outputs)
    assert existence.logits.tolist() == [2 + 20 + 0.5] and existence.mismatched is None
    own.add(MismatchedVideos((memory(5.0, 5.0, 0.0), memory(-5.0, 3.0, 0.0)), torch.tensor([[False, True]])))
    existence = head(outputs)
    assert existence.logits.tolist() == [22.5] and existence.mismatched.tolist() == [[25.5, 19.5]]
    assert existence.same_video.tolist() == [[False, True]]
    head.temperature.fill_(22.5)
    assert head(outputs).probability.item() == pytest.approx(1 / (1 + math.exp(-1)))


@pytest.mark.parametrize(
    ('described', 'labels'),
    [
        (None, [[1, 0, 1], [1, 0, 0]]),
        ([True, False], [[1, 0, 1], [0, 0, 0]]),
        ([False, True], [[0, 0, 0], [1, 0, 0]]),
    ],
)
def test_pairs_of_other_videos_describe_nothing(described, labels):
    logits, mismatched = torch.tensor([0.0, 1.0]), torch.tensor([[2.0, -1.0], [0.5, -3.0]])
    same = torch.tensor([[False, True], [False, False]])
    targets = targets_of('a', 'b')
    targets.described = None if described is None else torch.tensor(described)
    outputs = Outputs(None, None, None, None, [], existence=Existence(logits, None, None, mismatched, same))
    rows = [[0.0, 2.0, -1.0], [1.0, 0.5, -3.0]]
    terms = [
        math.log(1 + math.exp(-z if label else z))
        for row, label_row in zip(rows, labels, strict=True)
        for z, label in zip(row, label_row, strict=True)
    ]
    assert ExistenceLoss()(outputs, targets).item() == pytest.approx(sum(terms) / 6)


def test_the_model_judges_the_sentences_of_a_batch():
    model = tiny_model(CONFIG)
    data = model.data_preprocessor(make_batch())
    before = model.projector.memories.text.prototypes.clone()
    outputs = model.predict_sets(data['inputs'], make_targets())
    assert outputs.existence.mismatched.shape == (4, 2)
    assert not torch.equal(model.projector.memories.text.prototypes, before)
    assert model.eval()(data['inputs']).existence.mismatched is None


@pytest.mark.parametrize(
    ('option', 'value', 'expected'),
    [
        ('num_prototypes', 0, 'num_prototypes=0, expected at least 1'),
        ('momentum', 1.5, 'momentum=1.5, expected a number from 0 to 1'),
        ('momentum', -0.1, 'momentum=-0.1, expected a number from 0 to 1'),
        ('num_heads', 3, 'FrontDoor: embed_dims is 8, num_heads 3: expected a multiple of the heads'),
    ],
)
def test_options_out_of_range(option, value, expected):
    inner = dict(type='LinearProjector', embed_dims=8)
    with pytest.raises(ValueError, match=expected):
        FrontDoorProjector(inner, video_dims=6, text_dims=3, embed_dims=8, **{option: value})
