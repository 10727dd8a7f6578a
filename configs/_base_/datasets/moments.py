# What the data sets of annotated moments have in common: loading, targets, batches. A data set's file adds data_root,
# features (feature_spec, stores), annotation files and its protocol.
_dataset = dict(
    type='MomentDataset',
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
    dataset=_dataset,
)
val_dataloader = dict(train_dataloader, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
