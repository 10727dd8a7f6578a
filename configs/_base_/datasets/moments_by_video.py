# Moments for models that encode a video once for all its sentences: batch_size counts videos. No endpoint features.
feature_spec = dict(tef=False)
_dataset = dict(
    type='MomentDataset',
    pipeline=dict(
        load=dict(type='LoadMomentFeatures'),
        augment=dict(),
        tef=None,
        targets=dict(type='BuildMomentTargets', max_windows=5, grid='duration', labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs'),
    ),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='VideoSampler', shuffle=True),
    collate_fn=dict(type='video_collate'),
    dataset=_dataset,
)
val_dataloader = dict(train_dataloader, sampler=dict(type='VideoSampler', shuffle=False))
test_dataloader = val_dataloader
