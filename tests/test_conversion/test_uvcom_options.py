"""Official options of UVCOM as config changes."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from parity.methods import RECORDINGS
from testing import make_batch, shrink

import mmvmr.models  # noqa: F401
from mmvmr.conversion import METHODS
from mmvmr.models.layers import MeanGate
from mmvmr.registry import MODELS
from mmvmr.utils.io import read_json


@pytest.fixture
def options(shared_dir):
    return read_json(shared_dir / 'parity' / 'uvcom' / 'config.json')['args']


@pytest.mark.parametrize(
    ('change', 'check'),
    [
        (dict(cross_fusion=True), lambda m: isinstance(m.encoder.encoder.relation, MeanGate)),
        (dict(sim_loss_coef=0), lambda m: 'video_sentence' not in m.criterion.losses),
        (dict(dset_name='tvsum'), lambda m: 'span' not in m.criterion.losses and m.criterion.assigner is None),
        (dict(dset_name='tvsum', sim_loss_coef=0), lambda m: m.criterion.losses['video_sentence'].weight == 0),
        (
            dict(use_txt_pos=True),
            lambda m: m.encoder.word_positions == 'kept' and m.projector.text_position is not None,
        ),
        (dict(aux_loss=False), lambda m: m.criterion.losses['span'].final_only),
        (dict(em_iter=2), lambda m: m.encoder.encoder.text_clusters.num_iters == 2),
        (dict(num_queries=11), lambda m: len(m.query_initializer.embedding) == 11),
        (dict(a_feat_dir='a', a_feat_dim=9), lambda m: m.projector.audio[0].linear.in_features == 9),
    ],
)
def test_official_options(options, change, check):
    model = MODELS.build(METHODS['uvcom'].model_config({**options, **change}))
    assert check(model)
    batch = make_batch(dims=(model.projector.video_dims, options['t_feat_dim']))
    assert sum(model(**model.data_preprocessor(batch), mode='loss').values()).isfinite()


def test_recorded_audio(tmp_path):
    arrays = {f'src_{name}': torch.rand(2, 3, dims) for name, dims in (('vid', 6), ('aud', 5), ('txt', 4))}
    arrays['src_aud'][..., -2:] = arrays['src_vid'][..., -2:]
    arrays |= {f'src_{name}_mask': torch.ones(2, 3) for name in ('vid', 'txt')}
    np.savez(tmp_path / 'inputs.npz', **arrays)
    video = RECORDINGS['uvcom'].inputs(tmp_path)['video']
    assert video.shape == (2, 3, 9)
    assert torch.equal(video[..., :4], arrays['src_vid'][..., :4])
    assert torch.equal(video[..., 4:], arrays['src_aud'])
    np.savez(tmp_path / 'inputs.npz', **{**arrays, 'src_aud': arrays['src_aud'] + 1})
    with pytest.raises(ValueError, match='the last 2 channels of src_vid and src_aud differ'):
        RECORDINGS['uvcom'].inputs(tmp_path)


def test_official_options_that_are_refused(options):
    for change in (dict(n_input_proj=3), dict(pre_norm=True)):
        with pytest.raises(ValueError, match=next(iter(change))):
            METHODS['uvcom'].model_config({**options, **change})


def test_official_config_is_the_official_option_map(repo_dir, options):
    named = METHODS['uvcom'].model_config(options)
    found = Config.fromfile(repo_dir / 'configs/uvcom/uvcom_official_qvhl.py').model
    for part in ('encoder', 'query_initializer', 'criterion'):
        ours, theirs = shrink(found)[part].to_dict(), shrink(named)[part].to_dict()
        _same(ours, theirs, part)


def _same(ours, theirs, where):
    sizes = ('num_clusters', 'num_queries', 'num_layers', 'final_only')
    for key in ours.keys() | theirs.keys():
        if isinstance(ours.get(key), dict):
            _same(ours[key], theirs[key], f'{where}.{key}')
        elif key not in sizes and ours.get(key) != theirs.get(key):
            raise AssertionError(f'{where}.{key}: {ours.get(key)} != {theirs.get(key)}')
