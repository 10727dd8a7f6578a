# TD-DETR on TACoS exactly as the official code runs it (see td_detr_official_qvhl.py): at most 200 clips, by averaging;
# the epoch chosen on the test split.
_base_ = [
    '../_base_/models/td_detr_official_highlight4.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(clamp=(0, 1500), round_to=2.0))
pool = dict(type='PoolClips', max_clips=200)
pooled = dict(pipeline=dict(augment=dict(pool=pool)))
train_dataloader = dict(
    batch_sampler=dict(type='PairBatchSampler', strategy='sim', max_similarity=0.9),
    dataset=dict(
        _delete_=True,
        type='PairedDataset',
        dataset=_base_.train_dataloader.dataset,
        changes=dict(pipeline=dict(targets=dict(grid='clip_len', short='preceding', beyond='keep', labelled='first'))),
        pair=dict(type='SynthesizePair', alpha=0.7),
        pool=pool,
    ),
)
val_dataloader = dict(batch_size=100, dataset=dict(pooled, ann_file='tacos_test_release.jsonl'))
test_dataloader = dict(batch_size=100, dataset=pooled)
del pool, pooled  # only names of this file
