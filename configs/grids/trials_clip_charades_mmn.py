# Trials of the recipe of configs/mmvmr/mmn_12e_clip_charades.py, on videos split off train: hold_out_videos.py.
_base_ = ['./evidence_clip_charades_mmn.py']
name = 'trials_clip_charades_mmn'
title = 'MMN on videos split off train, twelve epochs'
seeds = [0]
robustness = None
options = {
    'train_dataloader.dataset.ann_file': 'dev/train.jsonl',
    'val_dataloader.dataset.ann_file': 'dev/val.jsonl',
    'test_dataloader.dataset.ann_file': 'dev/val.jsonl',
}
_append = dict(type='AppendTEF', _delete_=True)
rows = dict(
    endpoints=dict(
        label='+ temporal endpoints',
        options={
            'feature_spec.tef': True,
            'train_dataloader.dataset.pipeline.tef': _append,
            'val_dataloader.dataset.pipeline.tef': _append,
            'test_dataloader.dataset.pipeline.tef': _append,
        },
    ),
    average=dict(
        label='+ average of the weights',
        options={'default_hooks.ema': dict(type='MomentEMAHook', momentum=0.01)},
    ),
    contrast=dict(
        label='contrast in full for all twelve epochs',
        options={
            'model.criterion.losses.vid.late_epoch': 12,
            'model.criterion.losses.sent.late_epoch': 12,
        },
    ),
)
