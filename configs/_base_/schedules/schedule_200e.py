# Moment-DETR, QD-DETR, TR-DETR, CG-DETR on QVHighlights: 200 epochs at a constant rate (their step at 400 is never reached).
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = dict(type='MultiStepLR', milestones=[400], gamma=0.1, by_epoch=True)
