# QD-DETR on TACoS (SlowFast + CLIP at 2 s). Nothing about TACoS is public: the recipe of Charades-STA, our decision.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/tacos.py',
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
    postprocessor=dict(round_to=2.0),
)
