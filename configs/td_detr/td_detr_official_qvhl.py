# TD-DETR on QVHighlights exactly as the official code runs it (see td_detr_official.py): pairs inside the batch, both
# videos synthesized with jitter, originals next to them, windows beyond the clips kept, no cut to 75 clips.
_base_ = [
    '../_base_/models/td_detr_official.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_step80.py',
    '../_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmvmr.official_td_detr'])
model = dict(
    encoder=dict(encoder=dict(fusion=dict(num_layers=4), layers=dict(num_layers=4))),
    decoder=dict(num_layers=4),
    criterion=dict(
        assigner=dict(costs=dict(span=dict(weight=1.0), giou=dict(weight=10.0))),
        losses=dict(span=dict(weight=1.0), giou=dict(weight=10.0)),
    ),
    postprocessor=dict(round_to=2.0),
)
_full = dict(feature_spec=dict(max_clips=None))
train_dataloader = dict(
    batch_sampler=dict(type='PairBatchSampler', strategy='sim'),
    dataset=dict(
        _delete_=True,
        type='PairedDataset',
        dataset=_base_.train_dataloader.dataset,
        changes=dict(_full, pipeline=dict(targets=dict(short='preceding', beyond='keep'))),
        pair=dict(type='SynthesizePair', alpha=0.7),
    ),
)
val_dataloader = dict(dataset=_full)
test_dataloader = dict(dataset=_full)
