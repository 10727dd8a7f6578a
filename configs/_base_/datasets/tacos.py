# TACoS: SlowFast + CLIP at 2 s, CLIP text (features of the CG-DETR authors, whose text files are named {qid}.npz).
# Video 2816 + 2, text 512. Published recipes choose the epoch on the test split; this one on the validation split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
data_root = 'data/tacos'

dataset = dict(
    type='MomentDataset',
    data_root=data_root,
    feature_spec=dict(
        streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)),
        text=dict(dim=512, max_length=32),
        clip_len=2.0,
    ),
    stores=dict(
        slowfast=dict(type='FolderStore', folder='slowfast_features', template='{vid}.npz'),
        clip=dict(type='FolderStore', folder='clip_features', template='{vid}.npz'),
        text=dict(type='FolderStore', folder='clip_text_features', template='{qid}.npz', key='last_hidden_state'),
    ),
    pipeline=dict(
        load=dict(type='LoadMomentFeatures'),
        augment=dict(),
        tef=dict(type='AppendTEF'),
        targets=dict(type='BuildMomentTargets', max_windows=5, grid='duration', labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs'),
    ),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='tacos_train_release.jsonl'),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='tacos_val_release.jsonl'),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='tacos_test_release.jsonl'),
)
del dataset  # only a name of this file: a key that changed nothing would mislead

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='tacos')]
test_evaluator = val_evaluator
