# LA-DETR on QD-DETR, QVHighlights (SlowFast + CLIP): bounds and pieces of the official script.
_base_ = ['../qd_detr/qd_detr_qvhl.py']
_queries = dict(
    _delete_=True,
    type='LengthwiseQueryInitializer',
    num_classes=4,
    initializer=_base_.model.query_initializer,
)
model = dict(
    query_initializer=_queries,
    # Bounds in clips of 2 s: 13.8, 32, 55 s.
    criterion=dict(assigner=dict(type='LengthwiseAssigner', bounds=[6.9, 16.0, 27.5])),
)
_views = dict(foreground_mix=dict(type='ForegroundMix', piece=5.0), background_mix=dict(type='BackgroundMix'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=_views)))
