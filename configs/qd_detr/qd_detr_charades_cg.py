# QD-DETR on Charades-CG (SlowFast + CLIP at 1 s), tested on sentences with new words. The recipe is that of Charades-STA.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/charades_cg.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(round_to=1.0),
)
