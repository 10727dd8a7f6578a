# QD-DETR on Charades-CG (SlowFast + CLIP at 1 s), tested on sentences with new words. The recipe is that of Charades-STA.
_base_ = [
    '../_base_/models/qd_detr_highlight4.py',
    '../_base_/datasets/charades_cg.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=1.0))
