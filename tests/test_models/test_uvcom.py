"""UVCOM: every block against a loop, its defaults against its published errors, options, parameters."""

import dataclasses
import math

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from testing import make_batch, make_targets, tiny_model

from mmvmr.models.encoders.integration_encoder import best_mean
from mmvmr.models.layers import ClusterMeans, MeanGate, ProjectedMeanPool, RandomWalkPropagation, SlotAttention
from mmvmr.models.losses import ClipSentenceLoss, SaliencyMarginLoss, VideoSentenceLoss
from mmvmr.models.task_modules import SimilarityNegativeSampler
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, Outputs, Similarities, Tokens

D = 6
SMALL = {
    'encoder': {'similarity': {'hidden_dims': 12}},
    'query_initializer': {'num_queries': 7, 'slots': {'hidden_dims': 12}},
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
    MessageHub.get_current_instance().update_info('epoch', 0)
    yield
    MessageHub.get_current_instance().update_info('epoch', 0)


@pytest.fixture
def config(repo_dir):
    return repo_dir / 'configs' / 'uvcom' / 'uvcom_qvhl.py'


def padded(lengths=(5, 3), width=8, dims=D):
    """A sequence whose padding holds large numbers, and its mask."""
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    feat = torch.randn(len(lengths), width, dims)
    return torch.where(mask[..., None], feat, 50.0), mask


def unit(x):
    return x / (x.norm() + 1e-9)


def slow_means(means, x, iterations, sigma=1.2):
    """Expectation and maximisation of one sample, term by term."""
    for _ in range(iterations):
        share = torch.zeros(len(means), len(x))
        for k, mean in enumerate(means):
            for i, entry in enumerate(x):
                share[k, i] = math.exp(-0.5 * ((unit(mean) - unit(entry)) ** 2).sum() / sigma**2)
        share = share / share.sum(0)
        means = torch.stack([sum(s * e for s, e in zip(row, x)) / row.sum() for row in share])
    return means


def test_cluster_means():
    x, mask = padded()
    block = ClusterMeans(D, num_clusters=3, num_iters=4).requires_grad_(False)
    found = block(x, mask)
    for row, length in enumerate((5, 3)):
        torch.testing.assert_close(found[row], slow_means(block.means, x[row, :length], 4), atol=1e-5, rtol=1e-4)
    block.padding = 'include'
    torch.testing.assert_close(block(x, mask)[1], slow_means(block.means, x[1], 4), atol=1e-3, rtol=1e-4)


def slow_walk(x, means, w, scale=5.0):
    """The random walk of one sample with the inverse written out."""
    share = torch.stack([torch.stack([scale * unit(m) @ unit(e) for e in x]) for m in means]).softmax(0)
    affinity = share.t() @ (share / share.sum(1, keepdim=True))
    return (1 - w) * torch.linalg.inv(torch.eye(len(x)) - w**2 * affinity) @ (w * share.t() @ means + x)


@pytest.mark.parametrize('weight', [0.0, 0.5, 0.9])
def test_random_walk(weight):
    x, mask = padded()
    means = torch.randn(2, 3, D)
    found = RandomWalkPropagation(weight)(x, mask, means)
    for row, length in enumerate((5, 3)):
        expected = slow_walk(x[row, :length], means[row], weight)
        torch.testing.assert_close(found[row, :length], expected, atol=1e-5, rtol=1e-4)
    official = RandomWalkPropagation(weight, padding='include')(x, mask, means)
    torch.testing.assert_close(official[1], slow_walk(x[1], means[1], weight), atol=1e-4, rtol=1e-4)


def test_mean_gate_reads_the_means():
    x, mask = padded()
    means = torch.randn(2, 3, D)
    gate = MeanGate(D, num_heads=1)
    gate.attn.out_proj.weight.data = torch.eye(D)
    wq, wk, wv = gate.attn.in_proj_weight.chunk(3)
    logits = (x[0, 0] @ wq.t()) @ (means[0] @ wk.t()).t() / math.sqrt(D)
    torch.testing.assert_close(gate(x, mask, means)[0, 0], x[0, 0] * (logits.softmax(-1) @ (means[0] @ wv.t())))


def test_projected_mean_pool():
    x, mask = padded()
    pool = ProjectedMeanPool(D)
    torch.testing.assert_close(pool(x, mask)[1], pool.norm(pool.linear(x[1, :3])).mean(0))
    pool.padding = 'include'
    torch.testing.assert_close(pool(x, mask)[1], pool.norm(pool.linear(x[1])).mean(0))


def slow_slots(block, slots, inputs):
    """Slot attention of one sample without padding, entry by entry."""
    inputs = block.norm_inputs(inputs)
    for _ in range(block.num_iters):
        query = block.query(block.norm_slots(slots))
        share = torch.stack([(query @ block.key(entry) / math.sqrt(len(entry))).softmax(0) for entry in inputs], dim=1)
        update = torch.stack([sum(s * block.value(e) for s, e in zip(row, inputs)) / row.sum() for row in share])
        slots = slots + update
        slots = slots + block.mlp(block.norm_mlp(slots))
    return block.norm_out(slots)


def test_slot_attention():
    x, mask = padded()
    block = SlotAttention(D, num_iters=3, hidden_dims=9, num_layers=3)
    start = torch.randn(2, 4, D)
    found = block(start, x, mask)
    for row, length in enumerate((5, 3)):
        expected = slow_slots(block, start[row], x[row, :length])
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-4)


def test_official_slots_stay_equal_and_read_padding(config):
    x, mask = padded()
    block = SlotAttention(D, padding='uniform')
    equal = torch.randn(2, 1, D).expand(-1, 4, -1)
    share = block.attention(equal, block.key(block.norm_inputs(x)), mask)
    torch.testing.assert_close(share, torch.full_like(share, 1 / x.shape[1]))
    slots = block(equal, x, mask)
    torch.testing.assert_close(slots, slots[:, :1].expand_as(slots))
    for start in ('equal', 'distinct'):
        model = tiny_model(config, {**SMALL, 'query_initializer': {**SMALL['query_initializer'], 'start': start}})
        model.eval()
        outputs = model(model.data_preprocessor(make_batch())['inputs'])
        content = outputs.queries.content - (model.query_initializer.embedding if start == 'equal' else 0)
        assert (content.std(1).max().item() > 1e-3) == (start == 'distinct')


def test_best_mean():
    video, text = torch.randn(3, 4, D), torch.randn(3, 2, D)
    for row, found in enumerate(best_mean(video, text)):
        scores = [sum(unit(v) @ unit(t) for t in text[row]) / 2 for v in video[row]]
        torch.testing.assert_close(found, video[row, scores.index(max(scores))])


def similarity_outputs(targets, dims=4):
    batch, length = targets.clip_mask.shape
    random = {'video': (batch, dims), 'clips': (batch, length, dims), 'sentence': (batch, dims)}
    similarity = {name: torch.nn.functional.normalize(torch.randn(shape), dim=-1) for name, shape in random.items()}
    tokens = Tokens(similarity['clips'], targets.clip_mask)
    memory = Memory(tokens, tokens, extras=(Similarities(**similarity),))
    return Outputs(Features(tokens, tokens), memory, None, None, []), similarity


def test_video_sentence_loss():
    targets = make_targets()
    outputs, similarity = similarity_outputs(targets)
    cosine = similarity['video'] @ similarity['sentence'].t()
    count = len(cosine)
    rows = sum(cosine[i].logsumexp(0) - cosine[i, i] for i in range(count)) / count
    columns = sum(cosine[:, i].logsumexp(0) - cosine[i, i] for i in range(count)) / count
    torch.testing.assert_close(VideoSentenceLoss()(outputs, targets), (rows + columns) / 2)


@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_clip_sentence_loss(padding):
    targets = make_targets()
    outputs, similarity = similarity_outputs(targets)
    total = 0.0
    for row, length in enumerate((13, 9, 6, 1)):
        count = length if padding == 'exclude' else 13
        cosine = similarity['clips'][row, :count] @ similarity['sentence'][row]
        inside = targets.clips[row, :length].nonzero()[:, 0]
        total = total + sum(cosine.logsumexp(0) - cosine[i] for i in inside.tolist()) / count
    torch.testing.assert_close(ClipSentenceLoss(padding=padding)(outputs, targets), total / 4)


def test_first_window():
    targets = make_targets(moments=(2, 1, 0, 1))
    spans = torch.tensor([[[0.5, 0.5], [0.1, 0.1]], [[0.5, 1.0], [0.5, 1.0]], [[0.5, 1.0]] * 2, [[0.5, 1.0]] * 2])
    clips = ClipSentenceLoss(windows='first').moment_clips(dataclasses.replace(targets, spans=spans))
    assert clips.sum(1).tolist() == [6, 9, 0, 1]  # 13 clips: int(3.25) to int(9.75)
    assert clips[0].nonzero()[0].item() == 3


def test_losses_need_similarities():
    targets = make_targets()
    outputs, _ = similarity_outputs(targets)
    outputs.memory.extras = ()
    with pytest.raises(ValueError, match='similarity=dict'):
        VideoSentenceLoss()(outputs, targets)
    MessageHub.get_current_instance().update_info('epoch', 99)
    with pytest.raises(
        ValueError, match='SimilarityNegativeSampler needs Similarities, which is written by NegativePairEncoder'
    ):
        SimilarityNegativeSampler()(outputs.features, targets, outputs.memory)


@pytest.mark.parametrize(
    ('block', 'options'),
    [
        (ClusterMeans, dict(embed_dims=D, num_clusters=2, padding='x')),
        (RandomWalkPropagation, dict(padding='x')),
        (ProjectedMeanPool, dict(embed_dims=D, padding='x')),
        (SlotAttention, dict(embed_dims=D, padding='x')),
        (ClipSentenceLoss, dict(windows='x')),
        (ClipSentenceLoss, dict(padding='x')),
        (SaliencyMarginLoss, dict(missing_low='x')),
        (SimilarityNegativeSampler, dict(padding='x')),
    ],
)
def test_unknown_options(block, options):
    name = next(name for name, value in options.items() if value == 'x')
    with pytest.raises(ValueError, match=f"{block.__name__}.*{name}='x' is unknown, expected"):
        block(**options)


def slow_score(similarity, mask):
    """Similarity of every video with every sentence, as the official sampler adds it up."""
    score = torch.zeros(len(mask), len(mask))
    for i, sentence_scores in enumerate(similarity['video'] @ similarity['sentence'].t()):
        clips = similarity['clips'][i][mask[i]] @ similarity['sentence'].t()
        score[i] = (sentence_scores.softmax(0) + clips.mean(0).softmax(0)) / 2
    return score


def test_negatives_are_the_least_similar_sentences():
    targets = make_targets()
    targets.video_index = torch.tensor([0, 0, 1, 2])
    outputs, similarity = similarity_outputs(targets)
    score = slow_score(similarity, targets.clip_mask)
    index, valid = SimilarityNegativeSampler().choose(outputs.memory, targets)
    for row, chosen in enumerate(index.tolist()):
        others = [j for j in range(4) if targets.video_index[j] != targets.video_index[row]]
        assert chosen == min(others, key=lambda j: score[row, j])
    assert valid.all()
    official = SimilarityNegativeSampler(exclude_same_video=False, padding='include')
    everything = slow_score(similarity, torch.ones_like(targets.clip_mask))
    assert official.choose(outputs.memory, targets)[0].tolist() == everything.argmin(1).tolist()


@pytest.mark.parametrize('exclude', [True, False])
def test_before_its_epoch_similarity_decides_nothing(exclude):
    """The next sentence is the negative one, of another video or, as in official code, of any."""
    targets = make_targets()
    targets.video_index = torch.tensor([0, 0, 1, 0])
    outputs, _ = similarity_outputs(targets)
    feat = torch.arange(4.0).reshape(4, 1, 1)
    features = dataclasses.replace(outputs.features, text=Tokens(feat, torch.ones(4, 1, dtype=torch.bool)))
    sampler = SimilarityNegativeSampler(exclude_same_video=exclude)
    chosen, may_serve = sampler.choose(outputs.memory, targets)
    assert chosen.tolist() != [1, 2, 3, 0] and (exclude or may_serve.all())
    rolled = [1.0, 2.0, 3.0, 0.0], [False, True, True, False] if exclude else [True] * 4
    for epoch, wanted in ((79, rolled), (80, (chosen.tolist(), may_serve.tolist()))):
        MessageHub.get_current_instance().update_info('epoch', epoch)
        text, valid = sampler(features, targets, outputs.memory)
        assert (text.feat.flatten().tolist(), valid.tolist()) == wanted


def test_without_training_it_is_epoch_0():
    targets = make_targets()
    outputs, _ = similarity_outputs(targets)
    feat = torch.arange(4.0).reshape(4, 1, 1)
    features = dataclasses.replace(outputs.features, text=Tokens(feat, torch.ones(4, 1, dtype=torch.bool)))
    MessageHub.get_current_instance().runtime_info.pop('epoch')
    text, _ = SimilarityNegativeSampler(start_epoch=1)(features, targets, outputs.memory)
    assert text.feat.flatten().tolist() == [1.0, 2.0, 3.0, 0.0]


def test_no_negative_in_a_batch_of_one_video():
    targets = make_targets()
    targets.video_index = torch.zeros(4, dtype=torch.long)
    outputs, _ = similarity_outputs(targets)
    _, valid = SimilarityNegativeSampler().choose(outputs.memory, targets)
    assert not valid.any()


def test_similarity_decides_from_its_epoch_on(config):
    model = tiny_model(config, SMALL).eval()
    model.encoder.sampler.start_epoch = 3
    batch = model.data_preprocessor(make_batch())
    targets = make_targets()
    negatives = {}
    for epoch in (0, 2, 3):
        MessageHub.get_current_instance().update_info('epoch', epoch)
        features = model.projector(batch['inputs'])
        memory = model.encoder(features, targets)
        negatives[epoch] = model.encoder.sampler(features, targets, memory)[0].feat
    torch.testing.assert_close(negatives[0], features.text.feat.roll(-1, 0))
    torch.testing.assert_close(negatives[0], negatives[2])
    index, _ = model.encoder.sampler.choose(memory, targets)
    torch.testing.assert_close(negatives[3], features.text.feat[index])
    assert index.tolist() != [1, 2, 3, 0]


@pytest.mark.parametrize('epoch', [0, 80])
def test_gradient_on_every_parameter(config, epoch):
    MessageHub.get_current_instance().update_info('epoch', epoch)
    model = tiny_model(config, SMALL).train()
    sum(model(**model.data_preprocessor(make_batch(), training=True), mode='loss').values()).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]


def test_negatives_cost_nothing_at_inference(config):
    model = tiny_model(config, SMALL).eval()
    outputs = model(model.data_preprocessor(make_batch())['inputs'])
    assert outputs.memory.negative is None
    assert outputs.memory.find(Similarities) is None


@pytest.mark.parametrize('name', ['uvcom_qvhl.py', 'uvcom_cross_fusion_qvhl.py', 'uvcom_official_qvhl.py'])
def test_batch_invariance(config, name):
    model = tiny_model(config.parent / name, SMALL).eval()
    together = make_batch()
    apart = 0.0
    with torch.no_grad():
        outputs = model(model.data_preprocessor(together)['inputs'])
        for row, length in enumerate(len(video) for video in together['inputs']['video']):
            single = {key: [features[row]] for key, features in together['inputs'].items()}
            alone = model(model.data_preprocessor({'inputs': single})['inputs'])
            apart = max(
                apart,
                (alone.final.spans[0] - outputs.final.spans[row]).abs().max().item(),
                (alone.final.logits[0] - outputs.final.logits[row]).abs().max().item(),
                (alone.saliency[0] - outputs.saliency[row, :length]).abs().max().item(),
            )
    assert (apart < 1e-5) == ('official' not in name)


@pytest.mark.parametrize('moments', [(0, 0, 0, 0), (1, 0, 2, 0)])
def test_samples_without_moments(config, moments):
    model = tiny_model(config, SMALL).train()
    losses = model(**model.data_preprocessor(make_batch(moments=moments), training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())


@pytest.mark.parametrize('epoch', [0, 80])
def test_batch_of_one(config, epoch):
    MessageHub.get_current_instance().update_info('epoch', epoch)
    model = tiny_model(config, SMALL).train()
    batch = make_batch(clips=(5,), words=(3,), moments=(1,))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses['loss_saliency_negative'] == 0


def test_bfloat16(config):
    model = tiny_model(config, SMALL).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())
    sum(losses.values()).backward()


def test_a_pair_without_a_lower_clip():
    targets = make_targets(clips=(4, 4), moments=(1, 1))
    targets.pairs = torch.tensor([[[0, 1], [2, -1]], [[-1, 0], [-1, 3]]])
    outputs, _ = similarity_outputs(targets)
    outputs.saliency = torch.tensor([[0.5, -0.1, 0.6, 0.0], [0.2, 0.0, 0.0, 0.3]])
    hinges = {'skip': [0.3, 0.3], 'zero': [0.3, 0.3, 0.3]}  # (0,2), (0,3) and against the constant 0 (1,-)
    for option, values in hinges.items():
        found = SaliencyMarginLoss(missing_low=option)(outputs, targets)
        assert found.item() == pytest.approx(2 * sum(values) / len(values), abs=1e-6)


def test_parameters(config):
    """The card counts 18,187,347: with a text position of 8,704 and a token of 256 that nothing ever reads."""
    model = MODELS.build(Config.fromfile(config).model)
    assert sum(p.numel() for p in model.parameters()) == 18_187_347 - 8_704 - 256


def test_sound_is_projected_apart_and_added(config):
    model = tiny_model(config.parent / 'uvcom_audio_qvhl.py', SMALL).eval()
    projector, inputs = model.projector, model.data_preprocessor(make_batch())['inputs']
    video = inputs['video']
    sight, sound = video[..., [0, 1, 2, 3, 4, 8, 9]], video[..., [5, 6, 7, 8, 9]]
    torch.testing.assert_close(projector(inputs).video.feat, projector.video(sight) + projector.audio(sound))
    inputs['video'] = video[..., 1:]
    with pytest.raises(ValueError, match=r'9 channels, model\.projector\.video_dims=10'):
        projector(inputs)
