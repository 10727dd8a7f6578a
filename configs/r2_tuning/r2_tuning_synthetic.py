# R2-Tuning on the embedded synthetic data, minutes on two CPU cores: the 64 numbers of a generated clip are taken for 4
# layers of 4 tokens of 4 channels, the 48 of a text token for 4 layers. It shows that all parts train; as these layers
# mean nothing, neither does a figure.
_base_ = [
    '../_base_/models/r2_tuning.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/schedule_quick.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=128, ffn_dims=256, frame_tokens=4),
    projector=dict(input_dropout=0.1),
)
