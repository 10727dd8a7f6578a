# As moments_by_video.py with GloVe text tokens, and clips that share the duration of the video: the features that SnAG uses
# have a number of frames per clip, and videos differ in frames per second. Vectors are taken as stored.
feature_spec = dict(text=dict(dim=300, normalise='none'), tef=False)
stores = dict(text=dict(type='WordVectorStore', file='glove.6B.300d.txt', split='punctuation'))
_dataset = dict(
    type='MomentDataset',
    annotations=dict(outside='clip'),
    pipeline=dict(
        load=dict(type='LoadResampledFeatures', clip_time='duration'),
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
