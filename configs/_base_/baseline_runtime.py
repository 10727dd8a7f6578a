# Baselines are fitted by mmvmr fit and evaluated by mmvmr test: the data, and no schedule.
_base_ = ['./default_runtime.py']
default_hooks = dict(checkpoint=None)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
