# CG-DETR on YouTube Highlights, one model per domain: --cfg-options domain=surfing. The scripts try one and two prompts
# (model.encoder.encoder.encoder.num_selected=2). As in the official code, sentences that do not describe the video
# join the ranking but have no loss.
_base_ = [
    '../_base_/models/cg_detr_highlights.py',
    '../_base_/datasets/youtube.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(num_dummies=1),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=None,
            attention_margin=dict(weight=4.0),
            attention_rank=dict(weight=4.0),
            attention_negative=None,
            attention_clip=dict(weight=4.0),
        )
    ),
)
train_cfg = dict(max_epochs=1000)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = dict(milestones=[2000])
default_hooks = dict(checkpoint=dict(save_best='HL-mAP'))
find_unused_parameters = True
