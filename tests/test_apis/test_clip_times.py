"""Seconds of clips and windows, where the clips of a model are not those that its features declare."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvmr.apis import MomentFinder
from mmvmr.apis.model_files import ModelFile
from mmvmr.structures import FeatureSpec
from mmvmr.utils.setup import register_all_modules

SPEC = dict(streams=dict(a=dict(dim=1, normalise='none')), text=dict(dim=1), clip_len=0.5)


class Whole(torch.nn.Module):
    """Finds the whole of what it sees, from its first clip to its last; the saliency of a clip is its feature."""

    def test_step(self, batch):
        for sample, video in zip(batch['data_samples'], batch['inputs']['video'], strict=True):
            end = sample.num_clips * sample.clip_len
            sample.pred_instances = InstanceData(windows=torch.tensor([[0.0, end]]), scores=torch.tensor([0.5]))
            sample.pred_saliency = video[: sample.num_clips, 0].float()
        return batch['data_samples']


@pytest.fixture
def finder():
    register_all_modules()

    def make(load, window=None, spec=None, any_length=False, **options):
        pipeline = dict(load=load, tef=dict(type='AppendTEF'), pack=dict(type='PackMomentInputs'))
        model = Whole()
        model.any_length = any_length
        file = ModelFile(model, FeatureSpec.from_dict({**SPEC, **(spec or {})}), pipeline, **options)
        return MomentFinder(file, device='cpu', window=window)

    return make


def _answer(finder, clips, duration):
    values = np.arange(clips, dtype=np.float32)[:, None]
    answers = finder.encode_features({'a': values}, duration).find('x', tokens=[np.ones((1, 1), np.float32)])
    spans = sorted((round(m.start, 4), round(m.end, 4)) for m in answers[0].moments)
    return answers, spans, answers[0].times


BY_DURATION = dict(type='LoadMomentFeatures', clip_time='duration')


def test_clips_last_as_long_as_the_video_has_them_last(finder):
    """8 clips of a video of 12 s last 1.5 s each, whatever clip length is declared."""
    answers, spans, times = _answer(finder(BY_DURATION), 8, 12.0)
    assert spans == [(0.0, 12.0)] and not answers.notes
    assert times.tolist() == [[1.5 * i, 1.5 * (i + 1)] for i in range(8)]


def test_windows_of_seconds(finder):
    """Windows of 6 s are 4 clips of 1.5 s, every other one half a window later."""
    answers, spans, _ = _answer(finder(BY_DURATION, window=6.0), 8, 12.0)
    assert spans == [(0.0, 6.0), (3.0, 9.0), (6.0, 12.0)]
    assert answers.notes[0].startswith('12 s were searched in 3 windows of 6 s;')
    assert answers[0].raw_saliency.tolist() == list(range(8))
    _, spans, times = _answer(finder(BY_DURATION, window=6.0), 8, 4.0)  # clips of half a second: one window
    assert spans == [(0.0, 4.0)] and times[-1].tolist() == [3.5, 4.0]


def test_the_longest_training_video_is_one_of_seconds(finder):
    """It had 12 declared clips of 0.5 s by its duration: 6 s, which are 4 clips here."""
    answers, spans, _ = _answer(finder(BY_DURATION, longest=12), 8, 12.0)
    assert spans == [(0.0, 6.0), (3.0, 9.0), (6.0, 12.0)]
    assert len(answers.notes) == 1
    answers, _, _ = _answer(finder(BY_DURATION, longest=12, window=9.0), 8, 12.0)
    assert answers.notes[1] == 'the model sees 9 s at once but was trained on at most 6 s; expect worse moments'
    _, spans, _ = _answer(finder(BY_DURATION, spec=dict(max_clips=4)), 8, 12.0)  # the model was given no more clips
    assert spans == [(0.0, 6.0), (3.0, 9.0), (6.0, 12.0)]


def test_no_window_is_longer_than_what_the_model_is_given(finder):
    """The loader cuts to 4 clips of 0.5 s: longer windows would leave out what is after them."""
    load = dict(type='LoadMomentFeatures')
    for spec in (dict(max_clips=4), dict(streams=dict(a=dict(dim=1, normalise='none', max_length=4)))):
        answers, spans, _ = _answer(finder(load, window=4.0, spec=spec), 8, 4.0)
        assert spans == [(0.0, 2.0), (1.0, 3.0), (2.0, 4.0)]
        assert answers[0].raw_saliency.tolist() == list(range(8))
        assert answers.notes[1:] == ('a window of 4 s has more than the 4 clips that the loader takes (max_clips)',)
    for_any_length = finder(load, spec=dict(max_clips=4), any_length=True)
    assert _answer(for_any_length, 8, 4.0)[1] == [(0.0, 2.0), (1.0, 3.0), (2.0, 4.0)]
    assert _answer(finder(load, any_length=True), 400, 200.0)[1] == [(0.0, 200.0)]


def test_a_window_has_to_have_a_length(finder):
    with pytest.raises(ValueError, match=r'window=0 s, expected a positive number'):
        finder(BY_DURATION, window=0.0)
    with pytest.raises(ValueError, match=r'window=0.1 s, expected at least a clip of 0.5 s'):
        finder(dict(type='LoadMomentFeatures'), window=0.1)


def test_saliency_of_resampled_clips_is_that_of_the_stored_ones(finder):
    """6 clips become 3, the means of two each: 0.5, 2.5 and 4.5."""
    answers, spans, times = _answer(finder(dict(type='LoadResampledFeatures', length=3)), 6, 3.0)
    assert answers[0].raw_saliency.tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert spans == [(0.0, 3.0)] and len(times) == 6
    # Windows of 4 clips, at 0 and 2: 1.5 and 3.5 where they overlap.
    answers, spans, _ = _answer(finder(dict(type='LoadResampledFeatures', length=2), window=2.0), 6, 3.0)
    assert answers[0].raw_saliency.tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert spans == [(0.0, 2.0), (1.0, 3.0)]


def test_every_second_clip(finder):
    """Of 5 clips the model takes 0, 2 and 4; a clip in between is the second half of the one before it."""
    answers, _, _ = _answer(finder(dict(type='LoadResampledFeatures', step=2)), 5, 2.5)
    assert answers[0].raw_saliency.tolist() == [0, 0, 2, 2, 4]
