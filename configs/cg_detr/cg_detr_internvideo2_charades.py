# CG-DETR on Charades-STA with InternVideo2 features (1 s) and the words of a language model: the recipe of
# cg_detr_charades.py.
_base_ = [
    '../_base_/models/cg_detr.py',
    '../_base_/datasets/charades_internvideo2.py',
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
    postprocessor=dict(round_to=1.0),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
