# Moment-DETR on TACoS (SlowFast + CLIP at 2 s). Printed by others, without a script: the recipe is that of EaTR there
# (2e-4, a tenth of it from epoch 40, highlight weight 4), our decision.
_base_ = [
    '../_base_/models/moment_detr.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(losses=dict(saliency_margin=dict(weight=4.0))),
    postprocessor=dict(round_to=2.0),
)
