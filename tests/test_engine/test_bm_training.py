"""BM-DETR trains with negatives, a shifted view and its batch sampler, and resumes exactly."""

import re

import pytest
from run_helpers import REPO, assert_same_training, load, run_tool

pytestmark = pytest.mark.slow

CONFIG = """
_base_ = [
    '{configs}/_base_/models/bm_detr_charades.py',
    '{configs}/_base_/datasets/synthetic.py',
    '{configs}/_base_/schedules/schedule_quick.py',
    '{configs}/_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=16, num_heads=2, ffn_dims=24),
    projector=dict(video_dims=66, text_dims=48),
)
train_dataloader = dict(
    batch_size=8,
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        num_videos=12,
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery'), shift=dict(type='ShiftMoment', max_duration=None))
        ),
    ),
)
val_dataloader = dict(batch_size=8, dataset=dict(num_videos=4))
test_dataloader = dict(batch_size=8, dataset=dict(num_videos=4))
train_cfg = dict(max_epochs=2)
param_scheduler = dict(begin=1, end=2)
default_hooks = dict(logger=dict(interval=1), ema=dict(type='MomentEMAHook', momentum=0.1))
log_processor = dict(window_size=1)
"""
KILL = """
custom_imports = dict(imports=['kill_hooks'], allow_failed_imports=False)
custom_hooks = [dict(type='KillHook', moment='after_val_iter', at=1)]
"""


def test_training_and_resuming(tmp_path):
    config = tmp_path / 'bm.py'
    config.write_text(CONFIG.format(configs=(REPO / 'configs').as_posix()))
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    text = run_tool('train.py', config, '--work-dir', whole)
    assert load(whole / 'epoch_2.pth')['meta']['epoch'] == 2
    assert 'no neg_query_ids' in text
    scalars = ''.join(path.read_text() for path in whole.glob('*/vis_data/scalars.json'))
    logged = set(re.findall(r'"(loss_[\w@]+)"', scalars))
    assert {'loss_frame_guidance', 'loss_alignment', 'loss_span@shift', 'loss_frame_guidance@shift'} <= logged
    config.write_text(config.read_text() + KILL)
    run_tool('train.py', config, '--work-dir', killed, check=-9)
    config.write_text(config.read_text().removesuffix(KILL))
    run_tool('train.py', config, '--work-dir', killed, '--resume', 'auto')
    assert_same_training(whole, killed, 'epoch_2.pth')
