# CG-DETR on Charades-STA (SlowFast + CLIP at 1 s), as published.
_base_ = [
    '../_base_/models/cg_detr_highlight4.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=1.0))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
