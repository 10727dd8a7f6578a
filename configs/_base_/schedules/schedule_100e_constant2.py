# TD-DETR on Charades-STA and TACoS: 100 epochs at 2e-4 (its steps at 200 and 400 are never reached).
_base_ = ['./schedule_100e.py']
train_cfg = dict(val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
