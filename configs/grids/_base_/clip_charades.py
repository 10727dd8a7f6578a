# Figures compare the rows with each other, never with published tables.
base = 'qd_detr/qd_detr_clip_charades.py'
# There is no third split, so no checkpoint is chosen on the one that is scored.
checkpoint = 'last'
options = {
    'default_hooks.checkpoint.save_best': None,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'train_cfg.val_interval': 10,
}
robustness = ['--splits', 'val', '--probes', 'plain', 'spurious_zero', '--quiet']
metrics = {
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
    'mAP': 'MR-full-mAP',
    'Spurious mAP': 'robustness/val/spurious_zero/mAP',
    'mAP / Spurious mAP': 'robustness/val/spurious_zero/ratio',
}
