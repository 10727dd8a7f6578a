# MMN on ActivityNet-Captions (C3D, DistilBERT trained along from epoch 5 on).
_base_ = [
    '../_base_/models/mmn_bert.py',
    '../_base_/datasets/activitynet_c3d_tokens.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
_contrastive = dict(weight=0.1, margin=0.3, late_epoch=6)
model = dict(
    shared=dict(num_clips=64),
    projector=dict(num_parts=256),
    encoder=dict(map=dict(counts=(15, 8, 8)), num_layers=4, kernel_size=9),
    criterion=dict(losses=dict(vid=_contrastive, sent=_contrastive)),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4))
param_scheduler = dict(milestones=[7, 15])
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 4}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
