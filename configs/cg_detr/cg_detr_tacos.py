# CG-DETR on TACoS (SlowFast + CLIP at 2 s), as published, but for the epoch: chosen on the validation split.
_base_ = [
    '../_base_/models/cg_detr.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(encoder=dict(encoder=dict(num_selected=2)))),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
            attention_margin=dict(weight=4.0),
            attention_rank=dict(weight=4.0),
            attention_negative=dict(weight=4.0),
            attention_clip=dict(weight=4.0),
        )
    ),
    shared=dict(num_dummies=50),
    postprocessor=dict(round_to=2.0),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
