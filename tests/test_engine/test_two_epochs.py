"""Shipped configs train for two epochs on surrogate features: data, losses, validation and checkpoint of each.

One config of every method is drawn; ``MMVMR_ALL_CONFIGS=1`` runs all of them, ``MMVMR_SAMPLE=N`` draws others.
"""

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvmr.engine.runner import MomentRunner
from mmvmr.structures import FeatureSpec
from mmvmr.utils.config import read_config, shipped_configs
from mmvmr.utils.io import write_jsonl
from mmvmr.utils.setup import setup_env

pytestmark = pytest.mark.slow
VIDEOS, CLIPS = 4, 16
#: With a data set and a loop that no other config has.
ALWAYS = ('td_detr_official_charades',)
#: Fitted and not trained, or generated and trained by other tests.
OTHERS = ('baselines', 'features', 'grids')


def chosen():
    """Configs by folder, one of each folder unless all are asked for."""
    by_folder = {}
    for name, path in sorted(shipped_configs().items()):
        if path.parent.name not in OTHERS and not name.startswith('scenes'):
            by_folder.setdefault(path.parent.name, []).append(name)
    if os.environ.get('MMVMR_ALL_CONFIGS'):
        return [name for names in by_folder.values() for name in names]
    draw = random.Random(int(os.environ.get('MMVMR_SAMPLE', '0')))
    drawn = [draw.choice(names) for names in by_folder.values()]
    return [*drawn, *(name for name in ALWAYS if name not in drawn)]


def write_data(folder, spec, labels=(0.0, 1.0)):
    """Annotations with everything that any data set has, and random features."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(2 * VIDEOS):
        first = 1 + 6 * (i % 2)
        clips = list(range(first, first + 4))
        row = {'qid': i, 'query': f'a person opens door {i}', 'vid': f'v{i // 2}', 'duration': CLIPS * spec.clip_len}
        row['relevant_windows'] = [[first * spec.clip_len, (first + 4) * spec.clip_len]]
        row['label'] = [[labels[clip in clips]] for clip in range(CLIPS)]
        if spec.clip_len == 2:  # only QVHighlights has ratings
            row.update(relevant_clip_ids=clips, saliency_scores=[[1, 2, 3]] * len(clips))
        rows.append(row)
    write_jsonl(folder / 'train.jsonl', rows)
    write_jsonl(folder / 'val.jsonl', [{**row, 'qid': row['qid'] + 100} for row in rows])
    stores = {}
    for stream in spec.streams:
        for i in range(VIDEOS):
            np.savez(folder / f'{stream.name}_v{i}.npz', features=rng.standard_normal((CLIPS, stream.dim), np.float32))
        stores[stream.name] = dict(type='FolderStore', folder='.', template=stream.name + '_{vid}.npz', key='features')
    for row in rows:
        for qid in (row['qid'], row['qid'] + 100):
            tokens = rng.standard_normal((5, spec.text.dim), np.float32)
            np.savez(folder / f'qid{qid}.npz', tokens=tokens)
    stores['text'] = dict(type='FolderStore', folder='.', template='qid{qid}.npz', key='tokens')
    return stores


def on_surrogate_features(dataset, folder, split):
    """A data set config with other files; what it does with them stays."""
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    if 'ann_file' not in dataset:
        dataset['num_videos'] = VIDEOS  # generated
        return
    if dataset.get('type') == 'JoinedVideos':
        pytest.skip('joins trimmed clips, which tests of JoinedVideos have')
    spec = FeatureSpec.from_dict(dataset['feature_spec'])
    dataset.update(ann_file=f'{split}.jsonl', data_root=str(folder))
    rating = dataset['pipeline']['targets'].get('labels') or {}
    labels = (1.0, 5.0) if rating.get('type') == 'AnnotatorLabels' else (0.0, 1.0)
    dataset['stores'] = write_data(
        folder, spec, labels
    )  # update() would keep the options of the stores that were there
    dataset.pop('domain', None)
    dataset.setdefault('annotations', {})['outside'] = 'clip'
    for transform in filter(None, (dataset['pipeline'].get('augment') or {}).values()):
        if (transform.get('partner') or {}).get('index'):
            transform['partner']['index'] = None  # compared in memory
        if transform['type'] in ('LoadPatches', 'LoadStaticQuery'):
            pytest.skip('reads patches of frames, see test_vdi_training.py')


@pytest.mark.parametrize('name', chosen())
def test_two_epochs(name, tmp_path):
    cfg = Config(read_config(name).to_dict())
    if cfg.model.projector.get('text_encoder') is not None:
        pytest.skip('has a text encoder with weights of its own, see test_text_encoder.py')
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        folder = tmp_path / split
        folder.mkdir()
        on_surrogate_features(loader.dataset, folder, 'train' if split == 'train' else 'val')
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
    for key in ('data_root', 'domain'):  # which would be pushed into every data set
        cfg.pop(key, None)
    heads = cfg.model.shared.get('num_heads', 2)
    cfg.model.shared.update(embed_dims=8 * heads, ffn_dims=24)
    cfg.train_cfg.update(max_epochs=2, val_interval=1)
    cfg.work_dir, cfg.launcher = str(tmp_path / 'run'), 'none'
    setup_env(cfg, 'none')
    torch.manual_seed(0)
    runner = MomentRunner.from_cfg(cfg)
    runner.train()
    assert runner.epoch == 2 and sorted(Path(cfg.work_dir).glob('*.pth'))
    figures, _ = runner.message_hub.log_scalars['train/loss'].data
    assert len(figures) and np.isfinite(figures).all()
