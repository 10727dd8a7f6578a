# Minutes on two CPU cores, on the synthetic data: about 660 small steps; the rate is constant for three epochs, then falls.
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=7, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = dict(
    _delete_=True,
    type='LinearLR',
    start_factor=1.0,
    end_factor=0.02,
    begin=3,
    end=7,
    by_epoch=True,
    convert_to_iter_based=True,
)
