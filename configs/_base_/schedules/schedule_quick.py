# Minutes on two CPU cores, on the synthetic data: about 660 small steps; the rate is constant for three epochs, then falls.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=7, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=4e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.02, begin=3, end=7, by_epoch=True, convert_to_iter_based=True
)
