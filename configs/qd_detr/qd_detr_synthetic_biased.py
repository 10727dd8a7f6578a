# QD-DETR, half as wide, on embedded data with biases of scene and position: about two minutes on one CPU core.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/synthetic_biased.py',
    '../_base_/schedules/schedule_quick.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=128, ffn_dims=256),
    projector=dict(input_dropout=0.1),
)
