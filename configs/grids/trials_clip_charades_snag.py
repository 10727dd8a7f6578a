# SnAG with and without similarity on videos split off train: hold_out_videos.py.
_base_ = ['./sim_clip_charades.py']
name = 'trials_clip_charades_snag'
title = 'SnAG with similarity on videos split off train, ten epochs'
robustness = None
options = {
    'train_dataloader.dataset.ann_file': 'dev/train.jsonl',
    'val_dataloader.dataset.ann_file': 'dev/val.jsonl',
    'test_dataloader.dataset.ann_file': 'dev/val.jsonl',
}
rows = dict(
    _delete_=True,
    snag=_base_.rows.snag,
    stream=_base_.rows.snag_stream,
    cca=dict(
        _base_.rows.snag_stream,
        label='canonical correlations in place of ridge regression',
        options={**_base_.rows.snag_stream.options, 'sim.stream.kind': 'cca', 'sim.stream.penalty': 10.0},
    ),
    long=dict(
        _base_.rows.snag_stream,
        label='SnAG + similarity, twenty epochs',
        options={**_base_.rows.snag_stream.options, 'train_cfg.max_epochs': 20},
    ),
)
metrics = {
    '_delete_': True,
    'R1@0.3': 'MR-full-R1@0.3',
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
    'mAP': 'MR-full-mAP',
}
