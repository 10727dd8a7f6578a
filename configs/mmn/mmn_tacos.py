# MMN on TACoS (C3D, DistilBERT trained along from epoch 41 on).
_base_ = [
    '../_base_/models/mmn_bert.py',
    '../_base_/datasets/tacos_c3d_tokens.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
_contrastive = dict(weight=0.1, margin=0.1, top_k=3, late_epoch=100)
model = dict(
    shared=dict(num_clips=128),
    projector=dict(num_parts=256),
    encoder=dict(map=dict(counts=(15, 8, 8, 8))),
    moment_head=dict(power=0.3),
    criterion=dict(losses=dict(iou=dict(min_iou=0.3, max_iou=0.7), vid=_contrastive, sent=_contrastive)),
    postprocessor=dict(nms=dict(threshold=0.4)),
)
train_cfg = dict(max_epochs=250)
optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
param_scheduler = dict(milestones=[130, 190])
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 40}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
