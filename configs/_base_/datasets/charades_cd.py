# Charades-CD (changed distributions): I3D 1024 and CLIP text as BM-DETR uses them, 1 s, first 75 clips.
# Video 1024 + 2, text 512. Out-of-distribution test: --cfg-options test_dataloader.dataset.ann_file=test_ood.jsonl
# Its annotations round durations otherwise than its windows, so windows are cut to the video.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
data_root = 'data/charades_cd'

dataset = dict(
    type='MomentDataset',
    data_root=data_root,
    feature_spec=dict(
        streams=dict(i3d=dict(dim=1024)),
        text=dict(dim=512, max_length=32),
        clip_len=1.0,
        max_clips=75,
    ),
    stores=dict(
        i3d=dict(type='FolderStore', folder='i3d_features', template='{vid}.npy'),
        text=dict(type='FolderStore', folder='clip_text_features', template='qid{qid}.npz', key='last_hidden_state'),
    ),
    annotations=dict(outside='clip'),
    pipeline=dict(
        load=dict(type='LoadMomentFeatures'),
        augment=dict(),
        tef=dict(type='AppendTEF'),
        targets=dict(type='BuildMomentTargets', max_windows=5, labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs'),
    ),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='train.jsonl'),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='val.jsonl'),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='test_iid.jsonl'),
)
del dataset  # only a name of this file: a key that changed nothing would mislead

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
