# A short run that shows that everything works (synthetic data).
train_cfg = dict(type='ResumableTrainLoop', max_epochs=12, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=4e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.05, begin=4, end=12, by_epoch=True, convert_to_iter_based=True
)
