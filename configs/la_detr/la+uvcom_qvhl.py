# LA-DETR on UVCOM, QVHighlights (SlowFast + CLIP): bounds and pieces of the official script,
# whose queries are learned spans and the vectors of their classes, without slots of the sentence.
_base_ = ['../uvcom/uvcom_qvhl.py']
_queries = dict(
    _delete_=True,
    type='LengthwiseQueryInitializer',
    num_classes=4,
    initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
)
model = dict(
    query_initializer=_queries,
    # Bounds in clips of 2 s: 13.4, 31.5, 75 s.
    criterion=dict(assigner=dict(type='LengthwiseAssigner', bounds=[6.7, 15.75, 37.5])),
)
_views = dict(foreground_mix=dict(type='ForegroundMix', piece=5.0), background_mix=dict(type='BackgroundMix'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=_views)))
