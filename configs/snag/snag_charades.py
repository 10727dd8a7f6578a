# SnAG on Charades-STA (I3D, GloVe), as the official options have it.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/charades_i3d_glove.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
