"""A tiny data set in memory."""

import numpy as np
import pytest

from mmvmr.datasets import ArrayStore, BaseMomentDataset
from mmvmr.structures import FeatureSpec

PIPELINE = dict(
    load=dict(type='LoadMomentFeatures'),
    tef=dict(type='AppendTEF'),
    targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
    pack=dict(type='PackMomentInputs'),
)
SPEC = dict(streams=dict(a=dict(dim=5), b=dict(dim=3)), text=dict(dim=4, max_length=6), clip_len=2.0)


def make_rows(count=4, duration=20.0):
    return [
        dict(qid=i, vid=f'v{i // 2}', query=f'query {i}', duration=duration, relevant_windows=[[2.0 * i, 2.0 * i + 6]])
        for i in range(count)
    ]


def make_dataset(rows=None, pipeline=None, spec=None, arrays=None, **kwargs):
    """Streams a and b of 11 and 10 clips, sentences of 8 tokens; ``arrays`` replaces some of them."""
    rows = make_rows() if rows is None else rows
    rng = np.random.default_rng(0)
    data = {}
    for row in rows:
        data.setdefault(f'a/{row["vid"]}', rng.normal(size=(11, 5)).astype(np.float32))
        data.setdefault(f'b/{row["vid"]}', rng.normal(size=(10, 3)).astype(np.float16))
        data[f't/{row["qid"]}'] = rng.normal(size=(8, 4)).astype(np.float32)
    data.update(arrays or {})
    stores = dict(a=ArrayStore(data, 'a/{vid}'), b=ArrayStore(data, 'b/{vid}'), text=ArrayStore(data, 't/{qid}'))
    config = {**PIPELINE, **(pipeline or {})}
    return BaseMomentDataset(rows, stores, FeatureSpec.from_dict({**SPEC, **(spec or {})}), config, **kwargs)


@pytest.fixture(name='make_dataset')
def _make_dataset():
    return make_dataset


@pytest.fixture(name='make_rows')
def _make_rows():
    return make_rows
