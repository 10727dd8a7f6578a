import json

import matplotlib.image
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvmr.structures import MomentDataSample
from mmvmr.visualization import (
    MomentsOfQuery,
    MomentVisualizer,
    canvas,
    draw_moments,
    draw_training_curves,
    moments_of,
    spread_by_iou,
)


def sample(**meta):
    item = MomentDataSample(
        metainfo=dict(vid='v', qid=1, query='a dog', duration=30.0, clip_len=2.0, relevant_windows=[[2, 8]], **meta)
    )
    windows = torch.tensor([[2.0, 9.0], [20.0, 30.0]], dtype=torch.bfloat16)
    item.pred_instances = InstanceData(windows=windows, scores=torch.tensor([0.9, 0.1]), spans=windows / 30)
    item.pred_saliency = torch.rand(15)
    return item


def test_moments_of_a_sample():
    item = moments_of(sample())
    assert item.true == [[2.0, 8.0]] and item.predicted[0] == [2.0, 9.0] and len(item.saliency) == 15
    bare = moments_of(MomentDataSample(metainfo=dict(vid='v', qid=1, query='q', duration=3.0)))
    assert bare.true == [] and bare.predicted == [] and bare.saliency is None


def test_draw_moments(tmp_path):
    draw_moments([moments_of(sample()), moments_of(MomentDataSample(metainfo=dict(duration=3.0)))], tmp_path / 'a.png')
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')
    draw_moments([moments_of(sample())], tmp_path / 'one.png')
    height, _ = matplotlib.image.imread(tmp_path / 'one.png').shape[:2]
    assert height < matplotlib.image.imread(tmp_path / 'a.png').shape[0]
    with pytest.raises(ValueError, match='no query'):
        draw_moments([], tmp_path / 'b.png')


def query(end, true=((0.0, 10.0),)):
    return MomentsOfQuery('a dog', f'{end}', 20.0, 2.0, [list(w) for w in true], [[0.0, end], [0.0, 10.0]], [0.9, 0.1])


def test_queries_are_spread_from_the_best_to_the_worst():
    queries = [query(end) for end in (1.0, 9.0, 5.0, 3.0, 7.0, 10.0)]
    assert [item.title for item in spread_by_iou(queries, 3)] == [
        '9.0, IoU of #1: 0.90',
        '5.0, IoU of #1: 0.50',
        '1.0, IoU of #1: 0.10',
    ]
    assert len(spread_by_iou(queries, 100)) == 6
    several = query(2.0, true=((10.0, 20.0), (0.0, 4.0)))
    empty = MomentsOfQuery('', '', 20.0, 2.0, [[0.0, 4.0]], [], [])
    titles = [item.title for item in spread_by_iou([query(1.0, true=()), several, empty], 3)]
    assert titles[0].endswith('0.50') and all(title.endswith('0.00') for title in titles[1:])


def test_draw_training_curves(tmp_path):
    rows = [{'loss': 3.0 - i, 'step': i, 'iter': i} for i in range(3)]
    rows += [{'MR-full-mAP': 10.0, 'step': 1}, {'MR-full-mAP': None, 'step': 2}]
    path = tmp_path / 'scalars.json'
    path.write_text('\n'.join(map(json.dumps, rows)))
    draw_training_curves(path, tmp_path / 'c.png')
    assert (tmp_path / 'c.png').stat().st_size > 1000
    draw_training_curves(path, tmp_path / 'e.png', epoch_length=2)
    assert (tmp_path / 'e.png').read_bytes() != (tmp_path / 'c.png').read_bytes()
    path.write_text(json.dumps(rows[-1]))
    with pytest.raises(ValueError, match='no training iteration'):
        draw_training_curves(path, tmp_path / 'd.png')


def test_visualizer_passes_the_figure_to_its_backends(tmp_path):
    backends = dict(local=dict(type='LocalVisBackend'), tensorboard=None)
    visualizer = MomentVisualizer(name='moments', vis_backends=backends, save_dir=str(tmp_path))
    visualizer.add_datasample('query', np.zeros(0), sample(), step=3)
    assert list(tmp_path.rglob('query_3.png'))


def test_sentences_with_dollars_and_characters_without_a_font(tmp_path, monkeypatch):
    """A dollar begins no formula, and what no font has is said once."""
    said = []
    monkeypatch.setattr(canvas, '_fallback_fonts', list)
    monkeypatch.setattr(canvas, 'print_log', lambda text, **options: said.append(text))
    item = MomentsOfQuery('pays $5 for $x_ \U00010c80', 'qid 1, video $^', 10.0, 2.0, [[1, 3]], [[1, 4]], [0.5])
    draw_moments([item, item], tmp_path / 'moments.png')
    assert (tmp_path / 'moments.png').stat().st_size > 1000
    assert len(said) == 1 and 'no installed font has 1 characters, which are drawn as boxes (\U00010c80)' in said[0]
