# LA-DETR on UVCOM, Charades-STA (SlowFast + CLIP): bounds, pieces and epochs of the official script,
# whose queries are learned spans and the vectors of their classes, without slots of the sentence.
_base_ = ['../uvcom/uvcom_charades.py']
_queries = dict(
    _delete_=True,
    type='LengthwiseQueryInitializer',
    num_classes=3,
    initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
)
model = dict(
    query_initializer=_queries,
    # Bounds in clips of 1 s: 5.67, 14 s.
    criterion=dict(assigner=dict(type='LengthwiseAssigner', bounds=[5.67, 14.0])),
)
_views = dict(foreground_mix=dict(type='ForegroundMix', piece=10.0), background_mix=dict(type='BackgroundMix'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=_views)))
train_cfg = dict(max_epochs=150)
