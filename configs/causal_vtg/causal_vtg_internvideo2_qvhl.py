# CausalVTG on QVHighlights with InternVideo2 features: otherwise as with SlowFast + CLIP.
_base_ = [
    '../_base_/models/causal_vtg.py',
    '../_base_/datasets/qvhl_internvideo2.py',
    '../_base_/schedules/schedule_50e_warmup500_step30.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
_targets = dict(max_windows=1000, min_window=2.0)  # all of them, none shorter than a clip
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=dict(targets=_targets)))
train_cfg = dict(max_epochs=200, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=1.25e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end_factor=1.0, begin=0, end=500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[120], gamma=0.1, by_epoch=True),
]
default_hooks = dict(fit=dict(type='FitHook'))
