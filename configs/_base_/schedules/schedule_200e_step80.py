# BAM-DETR, TD-DETR on QVHighlights: a tenth every 80 epochs.
_base_ = ['./schedule_200e.py']
train_cfg = dict(val_interval=1)
param_scheduler = dict(milestones=[80, 160])
