# Small data on a CPU: 45 epochs, a tenth of the learning rate from epoch 40.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=45, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(type='MultiStepLR', milestones=[40], gamma=0.1, by_epoch=True)
