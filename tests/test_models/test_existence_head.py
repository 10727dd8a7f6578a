"""Existence head: the level of the similarity, by numbers that can be checked by eye."""

from collections import Counter

import numpy as np
import pytest
import torch

from mmvmr.models import FittedDetector
from mmvmr.models.heads import ExistenceHead
from mmvmr.models.heads.existence_head import discriminant
from mmvmr.structures import Features, Outputs, Tokens

GIVEN = dict(type='SimilarityMap', channels=(0, 2), text_dims=2, kind='given')


def fitted_head():
    """A head whose map compares vectors as they are, and whose logit is maximum + 10 mean + 100 best of three."""
    head = ExistenceHead(4, source='similarity', similarity=GIVEN)
    head.similarity.fitted.fill_(True)
    head.level_weight.copy_(torch.tensor([1.0, 10.0, 100.0]))
    return head


def outputs_of(cosines, mask, rows=None):
    """One sentence (1, 0), and clips at those cosines with it."""
    cosine = torch.tensor(cosines)
    clips = torch.stack([cosine, (1 - cosine.square()).sqrt()], dim=-1)
    video = Tokens(torch.zeros(*mask.shape, 4), mask)
    sentences = len(mask) if rows is None else len(rows)
    tokens = torch.tensor([1.0, 0.0]).expand(sentences, 1, 2)
    text = Tokens(torch.zeros(sentences, 1, 4), torch.ones(sentences, 1, dtype=torch.bool), raw=tokens)
    return Outputs(Features(video, text, raw_video=Tokens(clips, mask), rows=rows), None, None, None, [])


def test_level():
    """Cosines 0.6, 0, 0.3, then padding: maximum 0.6, mean 0.3, means of neighbours 0.3, 0.3, 0.15."""
    mask = torch.tensor([[True, True, True, False]])
    logits = fitted_head()(outputs_of([[0.6, 0.0, 0.3, 0.9]], mask)).logits
    assert logits.tolist() == pytest.approx([0.6 + 10 * 0.3 + 100 * 0.3], abs=1e-4)


def test_shared_videos():
    """Two sentences about the second of two videos, one about the first."""
    mask = torch.ones(2, 1, dtype=torch.bool)
    logits = fitted_head()(outputs_of([[0.5], [-0.2]], mask, torch.tensor([1, 1, 0]))).logits
    assert logits.tolist() == pytest.approx([-22.2, -22.2, 55.5], abs=1e-4)


def test_added_to_the_vector():
    torch.manual_seed(0)
    head = ExistenceHead(4, source='clips', similarity=GIVEN)
    outputs = outputs_of([[0.6, 0.1]], torch.ones(1, 2, dtype=torch.bool))
    outputs.memory = type(
        'Memory', (), {'video': Tokens(torch.randn(1, 2, 4), outputs.features.video.mask), 'levels': None}
    )
    without = head(outputs).logits  # every cosine is 0 before the map is fitted
    head.similarity.fitted.fill_(True)
    head.level_weight.copy_(torch.tensor([2.0, -1.0, 1.0]))
    head.level_bias.fill_(0.5)
    assert (head(outputs).logits - without).item() == pytest.approx(2 * 0.6 - 0.35 + 0.35 + 0.5, abs=1e-4)


def test_discriminant_by_hand():
    """Means 2 and -1, covariance 2: weight 3 / 2, and 0 half-way at 0.5 (but for a thousandth of the variance)."""
    weight, bias = discriminant(torch.tensor([[1.0], [3.0]]).double(), torch.tensor([[-2.0], [0.0]]).double())
    assert weight.tolist() == pytest.approx([1.5 / 1.001]) and bias.item() == pytest.approx(-0.75 / 1.001)
    # Channels of variances 1 and 4 without covariance, of 4 + 4 vectors with 6 degrees of freedom.
    corners = torch.tensor([[1.0, 2.0], [1.0, -2.0], [-1.0, 2.0], [-1.0, -2.0]]).double()
    weight, bias = discriminant(corners + 3, corners)
    ridge = 1e-3 * (8 + 32) / 6 / 2
    assert weight.tolist() == pytest.approx([3 / (8 / 6 + ridge), 3 / (32 / 6 + ridge)])
    assert bias.item() == pytest.approx(-1.5 * weight.sum().item())


class Pairs:
    """Twelve videos of two clips; every sentence is the direction of its first clip, in the space of the text."""

    def __init__(self, videos=12):
        rng = np.random.default_rng(0)
        self.rows = [{'vid': f'v{i // 2}'} for i in range(2 * videos)]
        self.videos = rng.standard_normal((videos, 2, 6)).astype(np.float32)
        self.rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0].astype(np.float32)
        self.asked = []

    def __len__(self):
        return len(self.rows)

    def loaded(self, index):
        self.asked.append(index)
        video = self.videos[index // 2]
        sample = {'vid': self.rows[index]['vid'], 'clip_len': 1.0, 'video_feat': video}
        windows = [[0.0, 1.0]] if index % 2 == 0 else []
        return {**sample, 'text_feat': video[:1] @ self.rotation, 'relevant_windows': windows}


def reference(pairs, penalty):
    """Weight and bias from numpy: ridge maps of three parts of the videos, then the discriminant."""
    moments = pairs.videos[:, 0].astype(float)
    texts = (pairs.videos[:, 0] @ pairs.rotation).astype(float)
    together, apart = [], []
    for fold in range(3):
        others = [v for v in range(len(moments)) if v % 3 != fold]
        x, y = moments[others], texts[others]
        xc, yc = x - x.mean(0), y - y.mean(0)
        matrix = np.linalg.solve(xc.T @ xc + penalty * np.eye(6), xc.T @ yc)
        before = texts[others[0]]
        for v in range(fold, len(moments), 3):
            for target, sentence in ((together, texts[v]), (apart, before)):
                clips, s = (pairs.videos[v] - x.mean(0)) @ matrix, sentence - y.mean(0)
                first, second = clips @ s / np.linalg.norm(clips, axis=1) / np.linalg.norm(s)
                target.append([max(first, second), (first + second) / 2, (first + second) / 2])
            before = texts[v]
    one, two = np.array(together), np.array(apart)
    covariance = (np.cov(one.T) + np.cov(two.T)) / 2
    covariance += np.eye(3) * (1e-3 * np.trace(covariance) / 3 + 1e-8)
    weight = np.linalg.solve(covariance, one.mean(0) - two.mean(0))
    return weight, -weight @ (one.mean(0) + two.mean(0)) / 2


@pytest.mark.parametrize('seed', range(3))
def test_fit_does_not_depend_on_the_seed(seed):
    torch.manual_seed(seed)
    pairs = Pairs()
    similarity = dict(type='SimilarityMap', channels=(0, 6), text_dims=6, penalty=0.1)
    head = ExistenceHead(4, source='similarity', similarity=similarity)
    head.fit(pairs)
    assert head.fitted and head.similarity.fitted and not list(head.parameters())
    assert Counter(pairs.asked) == dict.fromkeys(range(24), 4) | {
        0: 6,
        2: 5,
    }  # samples that give a first other sentence
    weight, bias = reference(pairs, 0.1)
    assert head.level_weight.tolist() == pytest.approx(weight.tolist(), rel=1e-3)
    assert head.level_bias.item() == pytest.approx(bias, rel=1e-3)
    video, text = torch.from_numpy(pairs.videos), torch.from_numpy(pairs.videos[:, :1] @ pairs.rotation)
    mask = torch.ones(12, 2, dtype=torch.bool)

    def logits(sentences):
        tokens = Tokens(torch.zeros(12, 1, 4), torch.ones(12, 1, dtype=torch.bool), raw=sentences)
        features = Features(Tokens(torch.zeros(12, 2, 4), mask), tokens, raw_video=Tokens(video, mask))
        return head(Outputs(features, None, None, None, [])).logits

    assert (logits(text) > 0).all() and (logits(text.roll(1, 0)) < 0).float().mean() > 0.8


def test_a_fitted_detector_has_a_head():
    """The detector fits it with its predictor, and judges as the head does by itself."""
    pairs = Pairs()
    similarity = dict(type='SimilarityMap', channels=(0, 6), text_dims=6, penalty=0.1)
    predictor = dict(type='SimilarityWindows', maps=dict(one=similarity))
    existence_head = dict(type='ExistenceHead', source='similarity', similarity=similarity)
    detector = FittedDetector(predictor, existence_head=existence_head)
    detector.fit(pairs)
    weight, bias = reference(pairs, 0.1)
    video, text = torch.from_numpy(pairs.videos[:3]), torch.from_numpy(pairs.videos[:3, :1] @ pairs.rotation)
    masks = dict(video_mask=torch.ones(3, 2, dtype=torch.bool), text_mask=torch.ones(3, 1, dtype=torch.bool))
    outputs = detector(dict(video=video, text=text, **masks))
    cosine = detector.existence_head.similarity(video, text, masks['text_mask'])
    levels = torch.stack([cosine.amax(1), cosine.mean(1), cosine.mean(1)], dim=-1)
    expected = levels.double() @ torch.from_numpy(weight) + bias
    assert outputs.existence.logits.tolist() == pytest.approx(expected.tolist(), rel=1e-3)
    # Two sentences about the third video, one about the first.
    shared = dict(video=video, text=text, video_index=torch.tensor([2, 2, 0]), **masks)
    swapped = detector(dict(video=video[[2, 2, 0]], text=text, **masks))
    assert detector(shared).existence.logits.tolist() == pytest.approx(swapped.existence.logits.tolist())


def test_one_video_is_too_few():
    head = ExistenceHead(4, similarity=dict(type='SimilarityMap', channels=(0, 6), text_dims=6))
    with pytest.raises(ValueError, match='sentences about at least 2 videos, found 1'):
        head.fit(Pairs(1))


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="source='similarity' needs"):
        ExistenceHead(4, source='similarity')
    with pytest.raises(ValueError, match="source='queries' needs embed_dims"):
        ExistenceHead()
    outputs = outputs_of([[0.5]], torch.ones(1, 1, dtype=torch.bool))
    outputs.features.raw_video = None
    with pytest.raises(ValueError, match=r'existence_head\.similarity=None'):
        fitted_head()(outputs)
