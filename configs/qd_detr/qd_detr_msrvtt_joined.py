# QD-DETR on joined videos, where position says nothing: trains on a CPU.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/msrvtt_joined.py',
    '../_base_/schedules/schedule_joined.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    )
)
