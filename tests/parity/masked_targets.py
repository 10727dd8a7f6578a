"""Comparison of masked-target features with those of TD-DETR's loader."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from mmvmr.datasets import ArrayStore, BaseMomentDataset
from mmvmr.structures import FeatureSpec
from mmvmr.utils.io import read_json
from parity.recording import Tensors, load_arrays

# The commented-out `_get_video_feat_fake_by_vid` of the repository: seconds and clip length are written into it.
OFFICIAL_MASK = {'type': 'MaskTargets', 'mode': 'noise', 'margin': 3.0, 'clip_len': 2.0, 'end': 'before'}
FIRST_SEED = 500  # where the notes of a recording do not tell: row i was masked after numpy.random.seed(500 + i)


def masked_features(folder: Path) -> tuple[Tensors, Tensors]:
    """Mask the recorded QVHighlights-like rows again, with the official noise and its seeds.

    Args:
        folder: The parity folder with ``annotations.json``, ``features.npz`` and ``masked.npz``.

    Returns:
        Ours and the recorded features, ``row<i>`` to (L, D).
    """
    data = read_json(folder / 'annotations.json')['hl']
    raw = {name.removeprefix('hl/'): value.numpy() for name, value in load_arrays(folder / 'features.npz').items()}
    names = [f'stream{i}' for i in range(data['streams'])]
    first = data['rows'][0]
    spec = FeatureSpec.from_dict(
        {
            'streams': {name: {'dim': raw[f'{first["vid"]}/{name}'].shape[1]} for name in names},
            'text': {'dim': raw[f'qid{first["qid"]}/text'].shape[1]},
            'clip_len': float(data['clip_len']),
            'max_clips': data['max_v_l'],
            'tef': False,
        }
    )
    stores = {name: ArrayStore(raw, f'{{vid}}/{name}') for name in names}
    stores['text'] = ArrayStore(raw, 'qid{qid}/text')
    pipeline = {
        'load': {'type': 'LoadMomentFeatures'},
        'augment': {'mask': OFFICIAL_MASK},
        'pack': {'type': 'PackMomentInputs'},
    }
    dataset = BaseMomentDataset(data['rows'], stores, spec, pipeline)
    first_seed, ours = _first_seed(folder), {}
    for index in range(len(dataset)):
        rng = SimpleNamespace(uniform=np.random.RandomState(first_seed + index).uniform)
        ours[f'row{index}'] = torch.as_tensor(dataset.prepare(index, rng)['inputs']['video'])
    return ours, load_arrays(folder / 'masked.npz')


def _first_seed(folder: Path) -> int:
    """What the notes of a recording add to the number of a row (``numpy.random.seed(500+q)``)."""
    config = read_json(folder / 'config.json') if (folder / 'config.json').exists() else {}
    told = re.search(r'numpy\.random\.seed\((\d+)\s*\+', str(config.get('notes')))
    return int(told[1]) if told else FIRST_SEED
