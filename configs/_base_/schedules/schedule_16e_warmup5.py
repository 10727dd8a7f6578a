# SnAG on Charades-STA: the rate rises from zero over five epochs, iteration by iteration, and stays. The average of the
# weights is what is evaluated (default_hooks.ema of the method).
train_cfg = dict(type='ResumableTrainLoop', max_epochs=16, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MatrixDecayConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.05),
    paramwise_cfg=dict(lr_mult=dict()),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(type='ZeroWarmupLR', begin=0, end=5, by_epoch=True, convert_to_iter_based=True)
