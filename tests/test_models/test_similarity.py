"""Similarity maps, window search and the baselines that need no training, by hand."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvmr.cli.main import main
from mmvmr.models import FittedDetector
from mmvmr.models.similarity import (
    PositionPrior,
    RandomWindows,
    SimilarityMap,
    SimilarityWindows,
    contrast_windows,
    relative_similarity,
    scene_changes,
)
from mmvmr.models.similarity.closed_form import cca, kernel_ridge, rbf, ridge
from mmvmr.models.similarity.similarity_map import moment_pairs
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, to_start_end

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.test_datasets.test_joined_videos import build, write


def ones(*shape):
    return torch.ones(shape, dtype=torch.bool)


class Rows(list):
    """Loaded samples as a data set hands them out."""

    def loaded(self, index):
        return self[index]


def sample(video, text, windows, clip_len=1.0):
    video, text = (np.array(x, dtype=np.float32) for x in (video, text))
    return dict(video_feat=video, text_feat=text, relevant_windows=windows, clip_len=clip_len)


def test_contrast_by_hand():
    # Mean 1: centred [-1, 2, 2, -1, -1, -1]; windows [1, 3) 4 / sqrt 2, [1, 2) 2, [0, 3) 3 / sqrt 3.
    similarity = torch.tensor([[0.0, 3.0, 3.0, 0.0, 0.0, 0.0]])
    spans, scores = contrast_windows(similarity, ones(1, 6), longest=6, count=2, max_iou=0.4)
    assert torch.allclose(to_start_end(spans[0, 0]) * 6, torch.tensor([1.0, 3.0]))
    assert scores[0, 0].item() == pytest.approx(4 / 2**0.5)
    # Everything that overlaps [1, 3) by more than 0.4 is gone; of the rest [0, 1), [3, 4), ... with -1 each and
    # [2, 4), [0, 2) with 1 / sqrt 2 (IoU 1/3) the first such is left.
    assert torch.allclose(to_start_end(spans[0, 1]) * 6, torch.tensor([0.0, 2.0]))
    assert scores[0, 1].item() == pytest.approx(1 / 2**0.5)


def test_contrast_knows_padding_and_length():
    similarity = torch.tensor([[1.0, 0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 0.0, 1.0, 1.0]])
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    spans, scores = contrast_windows(similarity, mask, longest=1, count=4)
    assert torch.allclose(to_start_end(spans[0, 0]) * 3, torch.tensor([0.0, 1.0]), atol=1e-6)
    assert torch.allclose(to_start_end(spans[1, :2]) * 5, torch.tensor([[3.0, 4.0], [4.0, 5.0]]), atol=1e-6)
    # Three windows of one clip in a video of three; the fourth repeats the best span and does not count.
    assert scores[0, 3] == -torch.inf and torch.equal(spans[0, 3], spans[0, 0])


def test_scene_changes_by_hand():
    # Changes 0, 1, 0 between the four clips: mean 1/3, deviation sqrt(2) / 3.
    clips = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [5.0, 5.0]]])
    mask = torch.tensor([[True] * 4 + [False]])
    found = scene_changes(clips, mask)
    assert torch.allclose(found, torch.tensor([[2.0, -(0.5**0.5), 2**0.5, -(0.5**0.5), 2.0, 0.0]]))


def test_boundaries_move_windows():
    # Without them [1, 3) is best with 4 / sqrt 2 = 2.83 (see above), [0, 3) has 3 / sqrt 3 = 1.73.
    similarity = torch.tensor([[0.0, 3.0, 3.0, 0.0, 0.0, 0.0]])
    gain = torch.tensor([[1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    spans, scores = contrast_windows(similarity, ones(1, 6), longest=6, count=1, boundaries=gain)
    assert torch.allclose(to_start_end(spans[0, 0]) * 6, torch.tensor([0.0, 3.0]))
    assert scores[0, 0].item() == pytest.approx(3 / 3**0.5 + 1.5)


def test_relative_by_hand():
    # Mean 2, deviation sqrt(((-2)^2 + 0 + 2^2) / 3) = sqrt(8 / 3); padding is 0 whatever it holds.
    x = relative_similarity(torch.tensor([[0.0, 2.0, 4.0, 99.0]]), torch.tensor([[True, True, True, False]]))
    root = (8 / 3) ** 0.5
    assert torch.allclose(x, torch.tensor([[-2 / root, 0.0, 2 / root, 0.0]]))
    # Means over three clips, two at the ends: [1, 2, 3] before it is centred.
    smooth = relative_similarity(torch.tensor([[0.0, 2.0, 4.0, 99.0]]), torch.tensor([[True, True, True, False]]), 3)
    assert torch.allclose(smooth, torch.tensor([[-1.0, 0.0, 1.0, 0.0]]) * 1.5**0.5)
    assert (relative_similarity(torch.full((1, 4), 0.3), ones(1, 4)) == 0).all()


def test_a_given_space_is_centred():
    space = SimilarityMap((1, 3), text_dims=2, kind='given')
    rows = [sample([[9, 1, 0], [9, 3, 4]], [[2, 0]], [[0, 1]]), sample([[9, 2, 2]], [[0, 2]], [[0, 1]])]
    clips, tokens = torch.tensor([[[7.0, 2.0, 5.0]]]), torch.tensor([[[1.0, 3.0]]])
    assert (space(clips, tokens, ones(1, 1)) == 0).all()
    space.fit(Rows(rows))
    # Mean clips (2, 2) and (2, 2); mean sentences (2, 0) and (0, 2): the clip is (0, 3), the sentence (0, 2).
    assert space.video_mean.tolist() == [2.0, 2.0] and space.text_mean.tolist() == [1.0, 1.0]
    assert space(clips, tokens, ones(1, 1)).item() == pytest.approx(1.0)
    assert space.by_token(clips, torch.tensor([[[3.0, 1.0], [1.0, 0.0]]]))[0, 0].tolist() == pytest.approx([0, -1])


def test_sentences_are_means_of_tokens_that_exist():
    space = SimilarityMap((0, 2), text_dims=2, kind='given')
    space.fitted.fill_(True)
    tokens = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [9.0, -9.0]]])
    mask = torch.tensor([[True, True, False]])
    found = space(torch.tensor([[[1.0, 0.0]]]), tokens, mask)
    assert found.item() == pytest.approx(0.5**0.5)


def test_ridge_by_hand():
    # (x'x + 2) w = x'y: x'x = 2, x'y = 4.
    x, y = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([[-2.0], [2.0]]).double()
    assert ridge(x, y, 2.0).item() == pytest.approx(1.0)


def test_kernel_ridge_by_hand():
    gamma = np.log(2)  # the kernel of orthogonal vectors is 1 / 2
    x, y = torch.eye(2).double(), torch.tensor([[1.0], [-1.0]]).double()
    # (K + 1/2) w = y with K = [[1, 1/2], [1/2, 1]].
    weight = kernel_ridge(x, x, y, 0.5, gamma)
    assert torch.allclose(weight, torch.tensor([[1.0], [-1.0]]).double())
    assert torch.allclose(rbf(x, x, gamma) @ weight, torch.tensor([[0.5], [-0.5]]).double())
    # One centre: (1 + 1/4 + 1/2) w = 1 - 1/2.
    assert kernel_ridge(x, x[:1], y, 0.5, gamma).item() == pytest.approx(2 / 7)
    # A sentence that comes twice: both together weigh 2 (2 + 1/2) w = 2.
    twice = kernel_ridge(x[[0, 0]], x[[0, 0]], y[[0, 0]], 0.5, gamma)
    assert twice.sum().item() == pytest.approx(0.8)


@pytest.mark.parametrize('options', [dict(gamma=0), dict(penalty=-1.0), dict(centers=0)])
def test_kernels_that_cannot_be(options):
    with pytest.raises(ValueError, match="expected numbers above 0 for kind='kernel'"):
        SimilarityMap((0, 2), text_dims=3, kind='kernel', **options)


def test_centers_are_evenly_spaced():
    texts = np.random.default_rng(0).normal(size=(6, 3))
    space = SimilarityMap((0, 2), text_dims=3, kind='kernel', centers=3)
    space.fit(Rows([sample([[1, i]], [text], [[0, 1]]) for i, text in enumerate(texts)]))
    centred = torch.nn.functional.normalize(torch.from_numpy(texts - texts.mean(0)).float(), dim=-1)
    assert torch.allclose(space.centers, centred[[0, 2, 4]], atol=1e-6)
    # More centres than sentences: the rest stays zero and changes nothing.
    rows = Rows([sample([[1, i]], [text], [[0, 1]]) for i, text in enumerate(texts)])
    exact, wide = (SimilarityMap((0, 2), text_dims=3, kind='kernel', centers=n) for n in (6, 9))
    exact.fit(rows), wide.fit(rows)
    tokens = torch.from_numpy(texts).float()
    assert torch.allclose(exact.text(tokens), wide.text(tokens)) and not wide.text_map[6:].any()


def test_cca_finds_the_common_direction():
    rng = torch.Generator().manual_seed(0)
    common = torch.randn(400, 1, generator=rng).double()
    x = torch.cat((torch.randn(400, 2, generator=rng).double(), common), dim=1)
    y = torch.cat((-2 * common, torch.randn(400, 1, generator=rng).double()), dim=1)
    left, right = cca(x - x.mean(0), y - y.mean(0), (1e-3, 1e-3), 1)
    assert left[2].abs() > 20 * left[:2].abs().max() and right[0].abs() > 8 * right[1].abs()
    assert left[2] * right[0] < 0
    projected = torch.cat(((x - x.mean(0)) @ left, (y - y.mean(0)) @ right), dim=1)
    assert torch.corrcoef(projected.t())[0, 1] > 0.99


@pytest.mark.parametrize(
    'options', [dict(), dict(target='video'), dict(kind='cca', rank=2), dict(kind='kernel', gamma=0.5)]
)
def test_maps_relate_spaces_that_share_nothing(options):
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(4, 6))
    texts = rng.normal(size=(60, 4))
    rows = [sample([5 * rng.normal(size=6), text @ mix], [text], [[1, 2]]) for text in texts]
    space = SimilarityMap((0, 6), text_dims=4, penalty=0.01, **options)
    space.fit(Rows(rows))
    clips = torch.from_numpy(texts[:5] @ mix).float().expand(5, -1, -1)
    found = space(clips, torch.from_numpy(texts[:5, None]).float(), ones(5, 1))
    assert found.argmax(1).tolist() == [0, 1, 2, 3, 4] and found.diagonal().min() > 0.9


def test_pairs_are_moments_and_sentences():
    row = sample([[0], [1], [3], [8]], [[2, 4], [4, 8]], [[2.0, 6.0]], clip_len=2.0)
    short = sample([[5], [7]], [[0, 0]], [[2.5, 3.0]], clip_len=2.0)
    moments, sentences, mean = moment_pairs(Rows([row, short]), 0, 1)
    assert moments.tolist() == [[2.0], [7.0]]  # clips 1 and 2; the clip that holds a moment shorter than itself
    assert sentences.tolist() == [[3.0, 6.0], [0.0, 0.0]]
    assert mean.tolist() == [4.5]
    with pytest.raises(ValueError, match='no sample'):
        moment_pairs(Rows([{**row, 'relevant_windows': []}]), 0, 1)


def test_bad_options():
    with pytest.raises(ValueError, match='compares 3 channels of a clip with 2 of a token'):
        SimilarityMap((0, 3), text_dims=2, kind='given')
    with pytest.raises(ValueError, match='kind'):
        SimilarityMap((0, 2), text_dims=2, kind='rigde')


class Moments:
    """Annotation rows from (number of clips, start, end), clips of 2 s."""

    def __init__(self, moments):
        self.feature_spec = SimpleNamespace(clip_len=2.0)
        self.rows = [{'duration': 2.0 * n, 'relevant_windows': [[2 * n * a, 2 * n * b]]} for n, a, b in moments]


def test_position_prior_by_hand():
    """Three moments in the first half, two in the second, one in the middle that nothing else covers."""
    halves = [(10, 0.0, 0.5)] * 3 + [(10, 0.5, 1.0)] * 2 + [(10, 0.25, 0.375)]
    prior = PositionPrior(count=3, steps=8, min_iou=0.6)
    prior.fit(Moments(halves))
    found = prior({'video_mask': ones(2, 10)})
    assert found.quality[1].tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    starts = to_start_end(found.spans[0])
    for (start, end), (low, high) in zip(starts.tolist(), [(0, 0.5), (0.5, 1), (0.25, 0.375)]):
        overlap = min(end, high) - max(start, low)
        assert overlap / (end - start + high - low - overlap) >= 0.6


def test_position_prior_by_length():
    rows = [(10, 0.0, 0.5)] * 4 + [(40, 0.5, 1.0)] * 4
    prior = PositionPrior(count=1, bins=2, steps=2, min_iou=0.6)
    prior.fit(Moments(rows))
    mask = torch.zeros(2, 40, dtype=torch.bool)
    mask[0, :12], mask[1, :39] = True, True
    found = prior({'video_mask': mask, 'video_index': torch.tensor([1, 0])})
    assert to_start_end(found.spans[:, 0]).tolist() == [[0.5, 1.0], [0.0, 0.5]]
    with pytest.raises(ValueError, match='holds no moment'):
        PositionPrior(bins=3).fit(Moments([(10, 0.0, 1.0)]))


def test_chance_depends_on_the_query_alone():
    predictor = RandomWindows(count=4)
    inputs = {'text': torch.zeros(2, 1, 1), 'video': torch.zeros(2, 1, 1)}
    names = [MomentDataSample(metainfo=dict(qid=qid)) for qid in ('a', 'b')]
    both, turned = predictor(inputs, names), predictor(inputs, names[::-1])
    assert torch.equal(both.spans, turned.spans.flip(0)) and not torch.equal(both.spans[0], both.spans[1])
    ends = to_start_end(RandomWindows(count=4000)(inputs, names).spans[0])
    assert (ends[:, 0] <= ends[:, 1]).all() and ends.min() >= 0 and ends.max() <= 1
    # Mean length of a window between two uniform points: 1/3.
    assert (ends[:, 1] - ends[:, 0]).mean().item() == pytest.approx(1 / 3, abs=0.02)


def test_similarity_windows_of_shared_videos():
    predictor = SimilarityWindows(
        maps=dict(one=dict(type='SimilarityMap', channels=(0, 2), text_dims=2, kind='given')), count=1
    )
    predictor.maps['one'].fitted.fill_(True)
    video = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    inputs = dict(
        video=video,
        video_mask=ones(1, 5),
        text=torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]),
        text_mask=ones(2, 1),
        video_index=torch.tensor([0, 0]),
    )
    found = to_start_end(predictor(inputs).spans[:, 0]) * 5
    assert torch.allclose(found, torch.tensor([[1.0, 3.0], [3.0, 5.0]]), atol=1e-5)


def test_a_baseline_is_not_trained():
    with pytest.raises(ValueError, match=r'mmvmr fit'):
        FittedDetector(dict(type='RandomWindows'))({}, mode='loss')


def test_the_tool_fits_what_test_reads(tmp_path, capsys):
    write(tmp_path / 'data')
    dataset = build(tmp_path / 'data')
    config = tmp_path / 'ridge.py'
    spec, stores = dataset.feature_spec.to_dict(), {
        name: dict(type='FolderStore', folder=name, template='{text}.npz' if name == 'text' else '{vid}.npz')
        for name in ('one', 'two', 'text')
    }  # fmt: skip
    pipeline = dict(
        load=dict(type='LoadMomentFeatures'),
        targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs'),
    )
    loader = dict(
        dataset=dict(type='JoinedVideos', ann_file='clips.jsonl', data_root=str(tmp_path / 'data'), num_videos=3,
                     feature_spec=spec, stores=stores, pipeline=pipeline)
    )  # fmt: skip
    predictor = dict(type='SimilarityWindows', maps=dict(one=dict(type='SimilarityMap', channels=(0, 2), text_dims=4)))
    model = dict(type='FittedDetector', predictor=predictor)
    config.write_text(f'default_scope = "mmvmr"\nmodel = {model}\ntrain_dataloader = {loader}\n')
    assert main(['fit', str(config), '--out', str(tmp_path / 'fitted.pth')]) == 0
    assert 'fitted on 6 samples' in capsys.readouterr().out
    saved = torch.load(tmp_path / 'fitted.pth', weights_only=True)
    assert saved['state_dict']['predictor.maps.one.fitted'] and saved['meta']['feature_spec']['clip_len'] == 2.0


def test_the_tool_refuses_what_is_trained(tmp_path, capsys):
    root = Path(__file__).parents[2]
    with pytest.raises(SystemExit):
        main(['fit', str(root / 'configs/qd_detr/qd_detr_synthetic_biased.py'), '--out', str(tmp_path / 'x.pth')])
    assert 'is trained, not fitted' in capsys.readouterr().err


@pytest.mark.parametrize(
    'path',
    sorted(
        path
        for pattern in ('baselines/*.py', 'mmvmr/scenes_*.py')
        for path in (Path(__file__).parents[2] / 'configs').glob(pattern)
    ),
    ids=lambda p: p.stem,
)
def test_shipped_baselines(path):
    """Every one builds and gives ten windows inside the video for each sentence."""
    cfg = Config.fromfile(path)
    spec = cfg.train_dataloader.dataset.feature_spec
    video = sum(stream.dim for stream in spec.streams.values()) + 2
    model = MODELS.build(cfg.model)
    inputs = {'video': [torch.rand(9, video), torch.rand(5, video)], 'text': [torch.rand(3, spec.text.dim)] * 2}
    samples = [
        MomentDataSample(metainfo=dict(qid=i, duration=float(n), num_clips=n, clip_len=1.0))
        for i, n in ((0, 9), (1, 5))
    ]
    found = model(**model.data_preprocessor({'inputs': inputs, 'data_samples': samples}), mode='predict')
    for one in found:
        windows = one.pred_instances.windows
        assert 1 <= len(windows) <= 10 and (windows >= 0).all() and (windows <= one.duration).all()


def test_narrow_features_have_as_many_directions_as_channels():
    rng = np.random.default_rng(0)
    rows = Rows(sample(rng.normal(size=(4, 3)), rng.normal(size=(2, 2)), [[0, 2]]) for _ in range(8))
    fitted = SimilarityMap((0, 3), text_dims=2, kind='cca')
    fitted.fit(rows)
    assert fitted.video_map.shape == (3, 2) and fitted.text_map.shape == (2, 2)
