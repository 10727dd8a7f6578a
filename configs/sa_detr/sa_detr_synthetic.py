# SA-DETR, half as wide, on the embedded synthetic data: minutes on two CPU cores.
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/schedule_quick.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=128, ffn_dims=256),
    projector=dict(video_dims=66, text_dims=48, input_dropout=0.1),
)
