# Joined videos on a CPU: 15 epochs, the rate is constant for ten and then falls to nothing.
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=15, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = dict(
    _delete_=True,
    type='LinearLR',
    start_factor=1.0,
    end_factor=0.02,
    begin=10,
    end=15,
    by_epoch=True,
    convert_to_iter_based=True,
)
