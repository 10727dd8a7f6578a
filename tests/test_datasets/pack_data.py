"""A tiny data set in files, and packs of it."""

import json

import numpy as np

from mmvmr.datasets import MomentDataset
from mmvmr.preparation import feature_packing

from .conftest import PIPELINE

SPEC = dict(
    streams=dict(a=dict(dim=5), b=dict(dim=3, normalise='none')),
    text=dict(dim=4, max_length=6),
    clip_len=2.0,
    max_clips=9,
)
STORES = dict(
    a=dict(type='FolderStore', folder='a', template='{vid}.npz'),
    b=dict(type='FolderStore', folder='b', template='{vid}.npy'),
    text=dict(type='FolderStore', folder='text', template='qid{qid}.npz'),
)


def write_data(root, videos=4):
    """Streams a (float16, 8 to 11 clips) and b (float32, one clip less), two sentences per video."""
    rng = np.random.default_rng(0)
    for name in STORES:
        (root / name).mkdir(parents=True)
    rows = []
    for i in range(videos):
        length = 8 + i % 4
        np.savez(root / 'a' / f'v{i}.npz', features=rng.normal(size=(length, 5)).astype(np.float16))
        np.save(root / 'b' / f'v{i}.npy', rng.normal(size=(length - 1, 3)).astype(np.float32))
        for qid in (2 * i, 2 * i + 1):
            words = rng.normal(size=(3 + qid, 4)).astype(np.float16)
            np.savez(root / 'text' / f'qid{qid}.npz', last_hidden_state=words)
            window = [2.0 * (qid % 5), 2.0 * (qid % 5) + 4]
            rows.append(
                dict(qid=qid, vid=f'v{i}', query=f'query {qid}', duration=2.0 * length, relevant_windows=[window])
            )
    (root / 'train.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return root


def open_data(root, packed=None, spec=None, pipeline=None, **kwargs):
    """The data set, from its files or from a pack."""
    config = dict(feature_spec={**SPEC, **(spec or {})}, stores={**STORES, 'packed': packed})
    pipeline = {**PIPELINE, **(pipeline or {})}
    return MomentDataset('train.jsonl', pipeline=pipeline, data_root=str(root), **config, **kwargs)


def write_pack(dataset, folder, layout='ready', dtype='float32', rows=None, **kwargs):
    """Pack a data set."""
    source = feature_packing.PackSource(dataset.stores, dataset.feature_spec, layout, dtype)
    return feature_packing.write_pack(folder, source, dataset.rows if rows is None else rows, **kwargs)


def plain(item):
    """Everything in an item or a batch, as plain values and tensors."""
    samples = item['data_samples']
    samples = samples if isinstance(samples, list) else [samples]
    targets = [{k: v.spans if k == 'gt_instances' else v for k, v in s.items()} for s in samples]
    inputs = {name: list(v) if isinstance(v, list) else v for name, v in item['inputs'].items()}
    return dict(inputs=inputs, meta=[dict(s.metainfo_items()) for s in samples], targets=targets)
