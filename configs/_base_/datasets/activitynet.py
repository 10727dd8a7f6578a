# ActivityNet-Captions: SlowFast + CLIP at 2 s, CLIP text, made like those of QVHighlights. Video 2816 + 2, text 512.
# None of the covered methods publishes a setting that runs; this is that of Charades-STA with clips of 2 s.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
data_root = 'data/activitynet'

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
        text=dict(type='FolderStore', folder='clip_text_features', template='qid{qid}.npz', key='last_hidden_state'),
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
    dataset=dict(dataset, ann_file='activitynet_train_release.jsonl'),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='activitynet_val_release.jsonl'),
)
test_dataloader = val_dataloader
del dataset  # only a name of this file: a key that changed nothing would mislead

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='activitynet')]
test_evaluator = val_evaluator
