# MMN on Charades-STA: 18 epochs, a tenth at 8 and at 13; a text encoder learns at a tenth of the rate.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=18, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-5),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(custom_keys={'projector.text_encoder': dict(lr_mult=0.1)}),
)
param_scheduler = dict(type='MultiStepLR', milestones=[8, 13], gamma=0.1, by_epoch=True)
