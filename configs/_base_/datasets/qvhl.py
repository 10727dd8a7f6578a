# QVHighlights: SlowFast + CLIP at 2 s, CLIP text (features of the Moment-DETR authors). Video 2816 + 2, text 512.
# data_root holds highlight_{train,val}_release.jsonl and {slowfast,clip,clip_text}_features/.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
# Test split: --cfg-options test_dataloader.dataset.ann_file=highlight_test_with_gt.jsonl
data_root = 'data/qvhl'

dataset = dict(
    type='MomentDataset',
    data_root=data_root,
    feature_spec=dict(
        streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)),
        text=dict(dim=512, max_length=32),
        clip_len=2.0,
        max_clips=75,
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
        targets=dict(type='BuildMomentTargets', max_windows=5, labels=dict(type='HighlightLabels')),
        pack=dict(type='PackMomentInputs'),
    ),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='highlight_train_release.jsonl'),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='moment_collate'),
    dataset=dict(dataset, ann_file='highlight_val_release.jsonl'),
)
test_dataloader = val_dataloader
del dataset  # only a name of this file: a key that changed nothing would mislead

val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
    dict(type='HighlightMetric', protocol='qvhighlights'),
]
test_evaluator = val_evaluator
