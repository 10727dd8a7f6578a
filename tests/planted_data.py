"""A small clean data set in files, and a config of it, for tests that plant a issue."""

import numpy as np
from mmengine.config import Config

from mmvmr.preparation.checks import Issue, Skipped, check_splits, open_splits
from mmvmr.utils.io import write_jsonl
from mmvmr.utils.setup import register_all_modules

DIMS = {'a': 6, 'b': 4}
VIDEOS = {'train': range(6), 'val': range(6, 9)}


def make_rows(split):
    """Two sentences for each video of 20 seconds."""
    return [
        {
            'qid': 2 * number + i,
            'query': f'somebody does thing {i}',
            'vid': f'v{number}',
            'duration': 20.0,
            'relevant_windows': [[2.0 + 6 * i, 8.0 + 6 * i]],
        }
        for number in VIDEOS[split]
        for i in range(2)
    ]


def vectors(length, dim, seed=0):
    """Vectors of length 1 in float16, as published ones are."""
    rows = np.random.default_rng([seed, length, dim]).normal(size=(length, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def save(root, name, array):
    """Write the features of a video (``a/v0``) or sentence (``text/qid0``)."""
    np.savez(root / f'{name}.npz', features=array)


def write(root, splits=None):
    """Write annotations and features; returns the rows of each split."""
    rows = {split: make_rows(split) for split in VIDEOS}
    for folder in (*DIMS, 'text'):
        (root / folder).mkdir(parents=True)
    for split in VIDEOS:
        write_jsonl(root / f'{split}.jsonl', rows[split])
        for row in rows[split]:
            for name, dim in DIMS.items():
                save(root, f'{name}/{row["vid"]}', vectors(10, dim, row['qid'] // 2))
            save(root, f'text/qid{row["qid"]}', vectors(4, 5, row['qid']))
    return rows


def config(root, train=None, **changes):
    """Config of the data set; ``changes`` to both splits, ``train`` to one of them."""
    dataset = dict(
        type='MomentDataset',
        data_root=str(root),
        feature_spec=dict(
            streams={name: dict(dim=dim, normalise='none') for name, dim in DIMS.items()},
            text=dict(dim=5),
            clip_len=2.0,
        ),
        stores={name: dict(type='FolderStore', folder=name, template='{vid}.npz') for name in DIMS}
        | {'text': dict(type='FolderStore', folder='text', template='qid{qid}.npz')},
        pipeline=dict(
            load=dict(type='LoadMomentFeatures'),
            tef=dict(type='AppendTEF'),
            targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
            pack=dict(type='PackMomentInputs'),
        ),
    )
    cfg = Config({f'{split}_dataloader': dict(dataset=dict(dataset, ann_file=f'{split}.jsonl')) for split in VIDEOS})
    for split in VIDEOS:
        cfg.merge_from_dict({f'{split}_dataloader.dataset.{key}': value for key, value in changes.items()})
    cfg.merge_from_dict({f'train_dataloader.dataset.{key}': value for key, value in (train or {}).items()})
    return cfg


def check(root, count=None, train=None, **changes):
    """Findings and skipped checks of the data set in a folder."""
    register_all_modules()
    splits, results = open_splits(config(root, train, **changes), ['train', 'val', 'test'])
    results += check_splits(splits, count)
    findings = [result for result in results if isinstance(result, Issue)]
    return findings, [result for result in results if isinstance(result, Skipped)]


def kinds(findings):
    """Check, severity and place of findings."""
    return [(finding.check, finding.severity, finding.where) for finding in findings]
