"""The biased splits tell models that read the moment from those that read scene or position, without any training.

Three predictors of one window per sentence: one reads object and action where they happen, one reads the scene that it
saw objects in during training, one knows where moments were in training. Only the first may score alike on both splits.
"""

import numpy as np
import pytest
from mmengine.config import Config

from mmvmr.datasets import SyntheticMoments
from mmvmr.datasets.synthetic.world import OBJECTS, SCENES, VERBS, Camera, preferred_scene
from mmvmr.datasets.transforms import MaskTargets
from mmvmr.evaluation.functional import evaluate_moments

VIDEOS = 60
PAIRS = [('val', 'val_ood'), ('test', 'test_ood')]


@pytest.fixture(scope='module')
def data(repo_dir):
    made = {}

    def get(split, **changes):
        key = split, tuple(sorted(changes.items()))
        if key not in made:
            cfg = Config.fromfile(repo_dir / 'configs/_base_/datasets/synthetic_biased.py').val_dataloader.dataset
            cfg.pop('type')
            made[key] = SyntheticMoments(**{**cfg, 'split': split, 'num_videos': VIDEOS, **changes})
        return made[key]

    return get


def _segments(length, shortest=3, longest=26):
    start, stop = np.meshgrid(np.arange(length + 1), np.arange(length + 1), indexing='ij')
    fits = (stop - start >= shortest) & (stop - start <= longest)
    return start[fits], stop[fits]


def _sums(values):
    """Running sums: the sum over clips a to b is ``sums[b] - sums[a]``."""
    return np.concatenate(([0.0], np.cumsum(values)))


class MomentReader:
    """Knows what objects and states look like: the object throughout, its states in the order of the verb."""

    def __init__(self, train):
        self.camera = Camera(train.feature_spec.streams[0].dim)
        # The brightness of an event is told by the training moments; half of it is the threshold.
        shown = [v[r['relevant_clip_ids']] @ self.camera.objects[_object(r)] for v, r in _videos(train)]
        self.half = np.concatenate(shown).mean() / 2

    def __call__(self, video, row):
        verb = VERBS.index(row['synthetic']['verb'])
        first = 2 * (verb // 2) + verb % 2
        object_, early, late = (
            _sums(video @ vector)
            for vector in (self.camera.objects[_object(row)], self.camera.states[first], self.camera.states[first ^ 1])
        )
        start, stop = _segments(len(video))
        middle = (start + stop) // 2
        right = early[middle] - early[start] + late[stop] - late[middle]
        wrong = late[middle] - late[start] + early[stop] - early[middle]
        score = object_[stop] - object_[start] + right - wrong - 2 * self.half * (stop - start)
        best = score.argmax()
        return start[best], stop[best]


class ContextReader:
    """Looks for the scene in which an object usually was in training; never at the object."""

    def __init__(self, train):
        self.camera = Camera(train.feature_spec.streams[0].dim)
        seen = np.zeros((len(OBJECTS), len(SCENES)))
        for video, row in _videos(train):
            seen[_object(row)] += (video[row['relevant_clip_ids']] @ self.camera.scenes.T).sum(0)
        self.usual = seen.argmax(1)

    def __call__(self, video, row):
        values = video @ self.camera.scenes[self.usual[_object(row)]]
        sums = _sums(values - (values.max() + values.min()) / 2)
        start, stop = _segments(len(video))
        best = (sums[stop] - sums[start]).argmax()
        return start[best], stop[best]


class Prior:
    """Answers the window that overlaps most with those of training, as parts of the video."""

    def __init__(self, train):
        parts = np.array([np.divide(w, r['duration']) for r in train.rows for w in r['relevant_windows']])
        grid = np.array([(a, b) for a in np.arange(0, 1, 0.05) for b in np.arange(a + 0.1, 1.01, 0.05)])
        low, high = np.maximum(grid[:, None], parts), np.minimum(grid[:, None], parts)
        common = np.clip(high[..., 1] - low[..., 0], 0, None)
        self.window = grid[(common / (low[..., 1] - high[..., 0])).mean(1).argmax()]

    def __call__(self, video, row):
        return self.window * len(video)


READERS = {'moment': MomentReader, 'context': ContextReader, 'prior': Prior}


def _object(row):
    return OBJECTS.index(row['synthetic']['object'])


def _videos(dataset, mask=None):
    for row in dataset.rows:
        video = dataset.stores['synthetic'].read(row)
        if mask is not None:
            inside = np.isin(np.arange(len(video)), row['relevant_clip_ids'])
            video = np.where(inside[:, None], 0 if mask == 'zero' else video[~inside].mean(0), video)
        yield video, row


def _mean_iou(reader, dataset, mask=None):
    """In percent, by the evaluation of the package."""
    found = []
    for video, row in _videos(dataset, mask):
        start, stop = reader(video, row)
        found.append([[2.0 * start, 2.0 * stop, 1.0]])
    windows = [row['relevant_windows'] for row in dataset.rows]
    return evaluate_moments(found, windows, 'qvhighlights')['full']['MR-mIoU']


@pytest.fixture(scope='module')
def readers(data):
    return {name: reader(data('train')) for name, reader in READERS.items()}


@pytest.mark.parametrize('pair', PAIRS, ids=['val', 'test'])
def test_only_who_reads_the_moment_scores_alike_on_both(pair, data, readers):
    score = {name: [_mean_iou(reader, data(split)) for split in pair] for name, reader in readers.items()}
    assert min(score['moment']) > 70
    assert abs(score['moment'][0] - score['moment'][1]) < 8
    assert score['context'][0] > 30  # a shortcut that pays in training
    assert score['prior'][0] > 15
    for name in ('context', 'prior'):
        assert score[name][1] < 0.6 * score[name][0], (name, score)
    assert score['context'][1] < 15


def test_without_biases_the_splits_are_alike(data):
    """The cause is the biases, not another difference of the splits."""
    none = dict(context_correlation=0.0, location_bias=0.0)
    train = data('train', **none)
    for name, reader in READERS.items():
        here, there = (_mean_iou(reader(train), data(split, **none)) for split in ('val', 'val_ood'))
        assert abs(here - there) < (8 if name == 'moment' else 6), (name, here, there)


def test_the_usual_scene_can_be_learned(readers):
    assert [preferred_scene(i) for i in range(len(OBJECTS))] == readers['context'].usual.tolist()


def test_the_scene_is_easier_to_see_than_the_event(data):
    """Why the default data are not harder out of distribution: there, what happens is clearer than where."""

    def clarity(**changes):
        train = data('train', **changes)
        camera = Camera(train.feature_spec.streams[0].dim)
        shown = [
            (v[r['relevant_clip_ids']] @ camera.objects[_object(r)]).mean()
            / (v[r['relevant_clip_ids']] @ camera.scenes[SCENES.index(r['synthetic']['scene'])]).mean()
            for v, r in _videos(train)
            if len(r['relevant_windows']) == 1
        ]
        return np.mean(shown)

    assert clarity() < 0.8
    assert clarity(event_weight=1.0) > 1.2


@pytest.mark.parametrize('mask', ['zero', 'mean'])
def test_masked_moments_are_not_found(mask, data, readers):
    dataset = data('val')
    plain, masked = ({n: _mean_iou(r, dataset, m) for n, r in readers.items()} for m in (None, mask))
    assert masked['moment'] < 0.2 * plain['moment']
    assert masked['context'] < 0.5 * plain['context']  # the scene is masked too, but goes on behind the event
    assert masked['prior'] == plain['prior']


def test_validation_scores_the_masked_moments_too(data):
    spurious = data('val').pipeline.augment['spurious']
    assert isinstance(spurious, MaskTargets) and spurious.view == 'spurious'
