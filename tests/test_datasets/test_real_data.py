"""Third-party features as they are distributed; skipped where they are absent."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvmr.datasets import MomentDataset
from mmvmr.registry import DATASETS


def _need(path):
    if not path.exists():
        pytest.skip(f'{path} absent')
    return path


@pytest.mark.parametrize(('split', 'count'), [('train', 2213), ('val', 855)])
def test_charades_clip(shared_dir, repo_dir, split, count):
    root = _need(shared_dir / 'data' / 'charades_clip')
    config = Config.fromfile(repo_dir / 'configs' / '_base_' / 'datasets' / 'charades_clip.py')
    init_default_scope('mmvmr')
    dataset = DATASETS.build(dict(config[f'{split}_dataloader'].dataset, data_root=str(root)))
    assert len(dataset) == count
    for index in range(0, count, 10):
        item = dataset[index]
        video, sample = item['inputs']['video'], item['data_samples']
        assert video.shape == (sample.num_clips, 514)
        assert item['inputs']['text'].shape[1] == 384
        # published features are normalised already, in float16
        np.testing.assert_allclose(video[:, :512].norm(dim=1), 1, atol=2e-3)
        assert sample.gt_clips.any()
        spans = sample.gt_instances.spans
        assert ((spans[:, 0] - spans[:, 1] / 2) >= -1e-6).all()
        assert ((spans[:, 0] + spans[:, 1] / 2) <= 1 + 1e-6).all()


def test_qvhighlights_sample(shared_dir, repo_dir):
    root = _need(shared_dir / 'data' / 'samples' / 'qvhighlights')
    annotations = _need(shared_dir / 'data' / 'annotations' / 'qvhighlights' / 'highlight_train_release.jsonl')
    config = Config.fromfile(repo_dir / 'configs' / '_base_' / 'datasets' / 'qvhl.py').train_dataloader.dataset
    init_default_scope('mmvmr')
    config.pop('type')
    config.stores.slowfast.folder, config.stores.clip.folder = 'slowfast_video_features', 'clip_video_features'
    config.update(ann_file=str(annotations), data_root=str(root), check_features=False)
    dataset = MomentDataset(**config)
    (index,) = [i for i, row in enumerate(dataset.rows) if row['qid'] == 5263]
    item = dataset[index]
    assert item['inputs']['video'].shape == (75, 2818)
    assert item['inputs']['text'].shape == (13, 512)
    row, sample = dataset.rows[index], item['data_samples']
    assert sample.gt_saliency[row['relevant_clip_ids']].tolist() == [float(sum(s)) for s in row['saliency_scores']]
    assert np.flatnonzero(sample.gt_clips).tolist() == row['relevant_clip_ids']
