# The embedded data set: generated from a seed in memory, nothing to download.
# Video 64 + 2 (TEF) dimensions, text 48. Checkpoints are chosen on `val`, figures come from `test`, which has the same
# distribution. `val_ood` and `test_ood` reverse the scene and location biases of training: --cfg-options
# test_dataloader.dataset.split=test_ood
data_root = ''
feature_spec = dict(streams=dict(synthetic=dict(dim=64)), text=dict(dim=48), clip_len=2.0)

_pipeline = dict(
    load=dict(type='LoadMomentFeatures'),
    augment=dict(),
    tef=dict(type='AppendTEF'),
    targets=dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'), max_windows=5),
    pack=dict(type='PackMomentInputs'),
)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(type='SyntheticMoments', data_root=data_root, split='train', num_videos=600, pipeline=_pipeline),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(type='SyntheticMoments', data_root=data_root, split='val', num_videos=100, pipeline=_pipeline),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(type='SyntheticMoments', data_root=data_root, split='test', num_videos=200, pipeline=_pipeline),
)

val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
    dict(type='HighlightMetric', protocol='qvhighlights'),
]
test_evaluator = val_evaluator
# What mmvmr robustness calls the splits, and those that it takes unasked.
robustness = dict(
    default=['val', 'val_ood'],
    splits=dict(
        val=dict(split='val'),
        val_ood=dict(split='val_ood'),
        test=dict(loader='test', split='test'),
        test_ood=dict(loader='test', split='test_ood'),
    ),
)
