# R2-Tuning on Charades-STA (four layers of CLIP ViT-B/32 at 1 s): weights and rates of the official config.
_base_ = [
    '../_base_/models/r2_tuning.py',
    '../_base_/datasets/charades_clip_layers.py',
    '../_base_/schedules/schedule_120e_warmup500_step80.py',
    '../_base_/default_runtime.py',
]
model = dict(
    projector=dict(input_dropout=0.35),
    criterion=dict(losses=dict(contrast=dict(weight=0.01))),
    postprocessor=dict(nms=dict(_delete_=True, type='SoftNMS', threshold=0.0, decay='linear'), round_to=0.1),
)
train_dataloader = dict(dataset=dict(pipeline=dict(targets=dict(max_windows=1000, min_window=1.0))))
train_cfg = dict(max_epochs=50, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end_factor=1.0, begin=0, end=500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[30], gamma=0.1, by_epoch=True),
]
