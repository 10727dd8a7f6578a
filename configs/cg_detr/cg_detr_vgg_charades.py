# CG-DETR on Charades-STA (VGG at 1/6 s, GloVe), as published. The text stacks keep their dropout of 0.1.
_base_ = [
    '../_base_/models/cg_detr_highlight4.py',
    '../_base_/datasets/charades_vgg.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(dropout=0.2),
    projector=dict(video_dims=4098, text_dims=300),
    postprocessor=dict(round_to=0.166666),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
