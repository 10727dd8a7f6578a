# BM-DETR on Charades-STA and Charades-CD: a tenth every 40 epochs.
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=100, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = dict(milestones=[40, 80])
