# LA-DETR on QD-DETR, part of Charades-STA with only CLIP features: trains on a CPU.
_base_ = ['../qd_detr/qd_detr_clip_charades.py']
_queries = dict(
    _delete_=True,
    type='LengthwiseQueryInitializer',
    num_classes=3,
    initializer=_base_.model.query_initializer,
)
model = dict(
    query_initializer=_queries,
    # Bounds in clips of 1 s: 5.67, 14 s.
    criterion=dict(assigner=dict(type='LengthwiseAssigner', bounds=[5.67, 14.0])),
)
# No moment here lasts two pieces of 10 s, which is what LA-DETR has for all of Charades-STA.
_views = dict(foreground_mix=dict(type='ForegroundMix', piece=5.0), background_mix=dict(type='BackgroundMix'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=_views)))
