# SnAG on TACoS (C3D, GloVe), as the official options have it.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/tacos_c3d_glove.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
_moving = dict(normalizer=dict(initial=100))
model = dict(
    encoder=dict(video=dict(arch=(2, 0, 8), window=19, max_length=2304), text=dict(max_length=48)),
    point_generator=dict(regression_range=4, max_length=2304),
    point_head=dict(num_levels=8),
    criterion=dict(losses=dict(foreground=_moving, span=_moving)),
)
train_cfg = dict(max_epochs=15)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
