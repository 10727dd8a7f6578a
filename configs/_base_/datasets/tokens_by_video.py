# As moments_by_video.py, for a text encoder that trains along: sentences are DistilBERT's token ids, and clips share the
# duration of the video, which is how 2D-TAN and MMN use C3D and VGG features.
feature_spec = dict(text=dict(dim=1, normalise='none'), tef=False)
stores = dict(text=dict(type='TokenIdStore', tokenizer='distilbert-base-uncased'))
_dataset = dict(
    type='MomentDataset',
    annotations=dict(outside='clip'),
    pipeline=dict(
        load=dict(type='LoadMomentFeatures', clip_time='duration'),
        augment=dict(),
        tef=None,
        targets=dict(type='BuildMomentTargets', max_windows=5, grid='clip_len', labels=dict(type='MomentLabels')),
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
