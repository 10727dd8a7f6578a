# EaTR on QVHighlights: a tenth every 150 epochs.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(type='MultiStepLR', milestones=[150], gamma=0.1, by_epoch=True)
