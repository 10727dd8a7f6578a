# Baselines are fitted by tools/fit.py and evaluated by tools/test.py: the data, and no schedule.
_base_ = ['./default_runtime.py']
default_hooks = dict(checkpoint=None)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
