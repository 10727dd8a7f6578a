"""Division of videos into scenes and the windows that follow it, by hand."""

import numpy as np
import pytest
import torch

from mmvmr.models.similarity import SceneSegmentation, SceneWindows, SimilarityMap, choose_windows, scene_excess
from mmvmr.models.similarity.window_search import window_sums, window_table
from mmvmr.structures import to_start_end

INF = torch.inf


class Rows(list):
    """Loaded samples as a data set hands them out."""

    def loaded(self, index):
        return self[index]


def sample(video, text, windows):
    video, text = (np.array(x, dtype=np.float32) for x in (video, text))
    return dict(video_feat=video, text_feat=text, relevant_windows=windows, clip_len=1.0)


def test_excess_by_hand():
    # Divisions of three clips: [0][1][2] 3, [0 1][2] 4, [0][1 2] 2.5; of two: [0][1] 2, [0 1] 3.
    cost = torch.tensor([[[1.0, 3.0], [1.0, 1.5], [1.0, 7.0]]]).expand(2, -1, -1)
    excess = scene_excess(cost, torch.tensor([3, 2]))
    assert excess[0].tolist() == [[0.0, 1.5], [0.5, 0.0], [0.5, INF]]
    assert excess[1].tolist() == [[0.0, 1.0], [0.0, INF], [INF, INF]]


def test_sums_and_table_by_hand():
    x = torch.tensor([[[1.0], [2.0], [4.0]]])
    table = window_table([total.squeeze(-1) for _, total in window_sums(x, longest=2)])
    assert table.tolist() == [[[1.0, 3.0], [2.0, 6.0], [4.0, 0.0]]]


def test_segmentation_by_hand():
    part = SceneSegmentation((1, 2), dims=1, penalty=1.0)
    part.directions.fill_(1.0)
    clips = torch.tensor([[[9.0, 0.0], [9.0, 0.0], [9.0, 2.0], [9.0, 50.0]]])
    mask = torch.tensor([[True, True, True, False]])
    # Squared distances from the mean: [0 1] 0, [1 2] 2, [0 1 2] 8/3; [0 1][2] is best with two scenes: 2.
    expected = torch.tensor([[1.0, 0.0, 5 / 3], [1.0, 2.0, INF], [0.0, INF, INF], [INF, INF, INF]])
    assert torch.allclose(part(clips, mask, longest=3)[0], expected.double())


def test_directions_by_hand():
    # Scatter inside moments (0, 4) over 2 degrees of freedom, plus their mean variance: (1, 3). Means vary by (4, 0).
    rows = Rows([sample([[0, 0], [0, 2], [9, 9]], [[1]], [[0, 2]]), sample([[4, 0], [4, 2]], [[1]], [[0, 2]])])
    part = SceneSegmentation((0, 2), dims=1)
    part.fit(rows)
    assert part.mean.tolist() == [2.0, 1.0]
    assert part.directions.abs().flatten().tolist() == pytest.approx([1.0, 0.0], abs=1e-6)
    with pytest.raises(ValueError, match='two clips'):
        part.fit(Rows([sample([[0, 0]], [[1]], [[0, 1]])]))


def test_choose_windows_by_hand():
    score = torch.tensor([[[1.0, 4.0], [3.0, 9.0], [2.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    spans, scores = choose_windows(score, mask, count=3)
    # [0, 2) leaves [1, 2) and [0, 1), which overlap it by half.
    assert scores[0].tolist() == [4.0, 3.0, 1.0]
    assert torch.allclose(to_start_end(spans[0]), torch.tensor([[0.0, 1.0], [0.5, 1.0], [0.0, 0.5]]))


def scene_windows(**options):
    space = dict(type='SimilarityMap', channels=(0, 2), text_dims=2, kind='given')
    scenes = dict(type='SceneSegmentation', channels=(0, 2), dims=2)
    part = SceneWindows(maps=dict(space=space), segmentation=scenes, count=1, **options)
    part.maps['space'].fitted.fill_(True)
    part.segmentation.directions.copy_(10 * torch.eye(2))
    return part


def test_scenes_decide_where_windows_end():
    # The second scene is unlike the sentence (0, 1) in one clip of three: alone its first clip fits better.
    video = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.1, 1.0], [0.3, 1.0], [0.3, 1.0], [1.0, 0.0], [1.0, 0.0]]])
    mask = torch.ones(1, 7, dtype=torch.bool)
    inputs = dict(video=video, video_mask=mask, text=torch.tensor([[[0.0, 1.0]]]), text_mask=mask[:, :1])
    found = scene_windows(cost_weight=0.0)(inputs)
    assert torch.allclose(to_start_end(found.spans[0, 0]) * 7, torch.tensor([2.0, 3.0]))
    found = scene_windows()(inputs)
    assert torch.allclose(to_start_end(found.spans[0, 0]) * 7, torch.tensor([2.0, 5.0]))
    # Cosine of the mean clip (0.7 / 3, 1), no cost.
    cosine = 1 / (1 + (0.7 / 3) ** 2) ** 0.5
    assert found.quality[0, 0].item() == pytest.approx(torch.tensor(cosine).sigmoid().item())
    # Two sentences of one video.
    shared = dict(inputs, text=torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]]), text_mask=mask[:, :2].view(2, 1))
    found = scene_windows()(dict(shared, video_index=torch.tensor([0, 0])))
    assert torch.allclose(to_start_end(found.spans[:, 0]) * 7, torch.tensor([[2.0, 5.0], [0.0, 2.0]]), atol=1e-5)


def test_roots_of_channels():
    space = SimilarityMap((0, 2), text_dims=2, kind='given', power=0.5)
    space.fitted.fill_(True)
    assert space.mapped(torch.tensor([[4.0, -9.0]])).tolist() == [[2.0, -3.0]]
    with pytest.raises(ValueError, match=r"SceneWindows: weights of \['other'\], but maps are \['space'\]"):
        scene_windows(weights=dict(other=1.0))
    with pytest.raises(ValueError, match='maps is empty'):
        SceneWindows(maps={}, segmentation={})


def test_windows_that_are_like_many_sentences_score_less():
    # Unit clips a = (1, 0) and b = (0.6, 0.8); the sentence is (0.8, 0.6): cosines 0.8 and 0.96. The bank has (0, 1)
    # twice: a is like none of them (0), b like both (0.8).
    video, mask = torch.tensor([[[1.0, 0.0], [0.6, 0.8]]]), torch.ones(1, 2, dtype=torch.bool)
    inputs = dict(video=video, video_mask=mask, text=torch.tensor([[[0.8, 0.6]]]), text_mask=mask[:, :1])
    options = dict(cost_weight=0.0, longest=1, weights=dict(space=2.0))
    plain = scene_windows(**options)(inputs)
    assert plain.quality[0, 0].item() == pytest.approx(torch.tensor(2 * 0.96).sigmoid().item())
    part = scene_windows(**options, bank=2, bank_scale=3.0)
    part.bank.copy_(torch.tensor([[0.0, 5.0], [0.0, 1.0]]))
    found = part(inputs)
    assert torch.allclose(to_start_end(found.spans[0, 0]) * 2, torch.tensor([0.0, 1.0]))
    # The weight counts for the bank too: a keeps 1.6, b has 1.92 - 1.6.
    assert found.quality[0, 0].item() == pytest.approx(torch.tensor(1.6).sigmoid().item())
    # Sentences that differ: (1, 0) and (0, 1) take log((e^6 + e^0) / 2) / 3 off a.
    part.bank.copy_(torch.eye(2))
    best = max(1.6 - np.log((np.exp(6) + 1) / 2) / 3, 1.92 - np.log((np.exp(3.6) + np.exp(4.8)) / 2) / 3)
    assert part(inputs).quality[0, 0].item() == pytest.approx(1 / (1 + np.exp(-best)))


def test_a_bank_is_taken_from_training_sentences():
    rows = Rows()
    for number in range(6):
        video = np.array([[1.0, number], [2.0, 0.0]], np.float32)
        text = np.array([[number, 0.0], [0.0, 2.0]], np.float32)
        rows.append(dict(video_feat=video, text_feat=text, relevant_windows=[[0.0, 2.0]], clip_len=1.0))
    part = scene_windows(bank=3)
    part.fit(rows)
    assert part.bank.tolist() == [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]


@pytest.mark.parametrize('options', [dict(bank=-1), dict(bank=2.5), dict(bank=2, bank_scale=0.0)])
def test_banks_that_cannot_be(options):
    with pytest.raises(ValueError, match=r'SceneWindows: found bank=.*expected a number of sentences'):
        scene_windows(**options)
