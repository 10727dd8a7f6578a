# UniVTG on part of Charades-STA with only CLIP features: trains on a CPU, with a quarter of the published width.
_base_ = [
    '../_base_/models/univtg.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(shared=dict(embed_dims=256))
_dataset = dict(pipeline=dict(targets=dict(inside='center')))
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, end_factor=1.0, begin=0, end=5, by_epoch=True),
    dict(type='MultiStepLR', milestones=[40], gamma=0.1, by_epoch=True),
]
