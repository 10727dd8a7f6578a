# QD-DETR on Charades-STA (SlowFast + CLIP at 1 s). No official script: learning rate and highlight weight follow the
# maintainers' advice and the recipe that later code settled on (2e-4, a tenth of it from epoch 40, weight 4).
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/charades_sta.py',
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
