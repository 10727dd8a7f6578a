# TD-DETR on TACoS exactly as the official code runs it (see td_detr_official_qvhl.py): at most 200 clips, by averaging;
# the epoch chosen on the test split.
_base_ = [
    '../_base_/models/td_detr_official.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmvmr.official_td_detr'])
model = dict(
    encoder=dict(encoder=dict(fusion=dict(num_layers=3), layers=dict(num_layers=3))),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(clamp=(0, 1500), round_to=2.0),
)
_pool = dict(type='PoolClips', max_clips=200)
_pooled = dict(pipeline=dict(augment=dict(pool=_pool)))
train_dataloader = dict(
    batch_sampler=dict(type='PairBatchSampler', strategy='sim', max_similarity=0.9),
    dataset=dict(
        _delete_=True,
        type='PairedDataset',
        dataset=_base_.train_dataloader.dataset,
        changes=dict(pipeline=dict(targets=dict(grid='clip_len', short='preceding', beyond='keep', labelled='first'))),
        pair=dict(type='SynthesizePair', alpha=0.7),
        pool=_pool,
    ),
)
val_dataloader = dict(batch_size=100, dataset=dict(_pooled, ann_file='tacos_test_release.jsonl'))
test_dataloader = dict(batch_size=100, dataset=_pooled)
