# Charades-CD (changed distributions): I3D 1024 and CLIP text as BM-DETR uses them, 1 s, first 75 clips.
# Video 1024 + 2, text 512. Out-of-distribution test: --cfg-options test_dataloader.dataset.ann_file=test_ood.jsonl
# Its annotations round durations otherwise than its windows, so windows are cut to the video.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py']
data_root = 'data/charades_cd'

feature_spec = dict(
    streams=dict(i3d=dict(dim=1024)),
    text=dict(dim=512, max_length=32),
    clip_len=1.0,
    max_clips=75,
)
stores = dict(
    i3d=dict(type='FolderStore', folder='i3d_features', template='{vid}.npy'),
    text=dict(type='FolderStore', folder='clip_text_features', template='qid{qid}.npz', key='last_hidden_state'),
)
_dataset = dict(
    data_root=data_root,
    annotations=dict(outside='clip'),
    pipeline=dict(
        targets=dict(_delete_=True, type='BuildMomentTargets', max_windows=5, labels=dict(type='MomentLabels'))
    ),
)
train_dataloader = dict(dataset=dict(_dataset, ann_file='train.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='val.jsonl'))
test_dataloader = dict(dataset=dict(_dataset, ann_file='test_iid.jsonl'))

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
# What mmvmr robustness calls the splits, and those that it takes unasked.
robustness = dict(
    default=['test_iid', 'test_ood'],
    splits=dict(
        test_iid=dict(loader='test', ann_file='test_iid.jsonl'),
        test_ood=dict(loader='test', ann_file='test_ood.jsonl'),
    ),
)
