# R2-Tuning and CausalVTG on Charades-STA: the rate rises over 500 iterations, then a tenth from epoch 30.
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=50, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4), clip_grad=dict(max_norm=35.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end_factor=1.0, begin=0, end=500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[30], gamma=0.1, by_epoch=True),
]
