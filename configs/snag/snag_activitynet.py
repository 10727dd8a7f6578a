# SnAG on ActivityNet-Captions (C3D, GloVe), as the official options have it.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/activitynet_c3d_glove.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
_moving = dict(normalizer=dict(initial=160))
model = dict(
    shared=dict(embed_dims=128),
    encoder=dict(video=dict(arch=(2, 0, 7)), text=dict(max_length=48), fusion=dict(mode='adaln')),
    point_generator=dict(regression_range=4),
    point_head=dict(num_levels=7),
    criterion=dict(losses=dict(foreground=_moving, span=dict(_moving, weight=2.0))),
)
train_cfg = dict(max_epochs=15)
optim_wrapper = dict(optimizer=dict(lr=2e-3), paramwise_cfg=dict(lr_mult={'encoder.text': 0.1, 'projector.text': 0.1}))
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
