# SA-DETR on joined videos, where position says nothing: trains on a CPU. Settings of the SlowFast + CLIP row.
_base_ = [
    '../_base_/models/sa_detr_no_align.py',
    '../_base_/datasets/msrvtt_joined.py',
    '../_base_/schedules/schedule_joined.py',
    '../_base_/default_runtime.py',
]
model = dict(
    projector=dict(video_dims=1666, text_dims=384),
    decoder=dict(layer=dict(enhance=dict(num_points=15))),
)
