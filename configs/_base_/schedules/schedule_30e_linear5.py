# Small data on a CPU: constant for 5 epochs, then linearly to 0 at the end of epoch 30.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.0, begin=5, end=30, by_epoch=True, convert_to_iter_based=True
)
