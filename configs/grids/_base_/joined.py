# Half-width models, twenty epochs over the 700 clips, each joined once per epoch. The last checkpoint counts: validation
# is the split that is scored. Figures compare the rows with each other.
base = 'qd_detr/qd_detr_msrvtt_joined.py'
checkpoint = 'last'
seeds = [0, 1, 2]
options = {
    'train_dataloader.dataset.joins': 1,
    'default_hooks.checkpoint.save_best': None,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'train_cfg.max_epochs': 20,
    'train_cfg.val_interval': 20,
}
metrics = {
    'R1@0.3': 'MR-full-R1@0.3',
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
    'mAP': 'MR-full-mAP',
}
