# UVCOM on Charades-STA (SlowFast + CLIP at 1 s): the official setting.
_base_ = [
    '../_base_/models/uvcom.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_200e_step100.py',
    '../_base_/default_runtime.py',
]
model = dict(encoder=dict(sampler=dict(start_epoch=70)), postprocessor=dict(round_to=1.0))
train_dataloader = dict(batch_size=8)
param_scheduler = dict(milestones=[80])
randomness = dict(seed=2018)
