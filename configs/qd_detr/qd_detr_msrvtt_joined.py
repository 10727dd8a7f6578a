# QD-DETR on joined videos, where position says nothing: trains on a CPU.
_base_ = [
    '../_base_/models/qd_detr_highlight4.py',
    '../_base_/datasets/msrvtt_joined.py',
    '../_base_/schedules/schedule_joined.py',
    '../_base_/default_runtime.py',
]
model = dict(projector=dict(video_dims=1666, text_dims=384))
