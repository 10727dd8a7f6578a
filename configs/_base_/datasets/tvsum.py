# TVSum (highlights only): I3D features of frames and of optical flow, joined and normalised as one, at 1 s; CLIP text
# as stored. Video 2048 + 2, text 512. Files as the UMT and QD-DETR authors share them: {vid}_rgb.npy, {vid}_opt.npy.
# One model per domain: --cfg-options domain=BT (BK BT DS FM GA MS PK PR VT VU; the tools push it into every data set).
# The data set has no test split: published recipes, and this one, choose the epoch on the validation videos.
# Another place for the data: --cfg-options data_root=/path
_base_ = ['./moments.py']
data_root = 'data/tvsum'
domain = 'BK'

feature_spec = dict(
    streams=dict(i3d=dict(dim=2048)),
    text=dict(dim=512, normalise='none'),
    clip_len=1.0,
    max_clips=1000,
)
stores = dict(
    i3d=dict(
        type='JoinedStore',
        parts=dict(
            rgb=dict(type='FolderStore', folder='video_features', template='{vid}_rgb.npy'),
            flow=dict(type='FolderStore', folder='video_features', template='{vid}_opt.npy'),
        ),
    ),
    text=dict(type='FolderStore', folder='query_features', template='{qid}.npz', key='token'),
)
_dataset = dict(
    data_root=data_root,
    domain=domain,
    pipeline=dict(targets=dict(_delete_=True, type='BuildHighlightTargets', labels=dict(type='AnnotatorLabels'))),
)
train_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='tvsum_train_release.jsonl'))
val_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='tvsum_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='HighlightMetric', protocol='tvsum')]
test_evaluator = val_evaluator
