# SA-DETR on TACoS (SlowFast + CLIP at 2 s), second row of table 9 of the paper: no alignment losses.
_base_ = [
    '../_base_/models/sa_detr_no_align.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(decoder=dict(layer=dict(enhance=dict(num_points=15))))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
