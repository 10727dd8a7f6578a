# CG-DETR on Charades-STA (VGG at 1/6 s, GloVe), as published. The text stacks keep their dropout of 0.1.
_base_ = [
    '../_base_/models/cg_detr.py',
    '../_base_/datasets/charades_vgg.py',
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
    shared=dict(dropout=0.2),
    postprocessor=dict(round_to=0.166666),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
