# MAD, whole films: CLIP at 5 vectors a second and CLIP words, vectors as stored; windows of 8192 clips while training.
# Video 512, text 512.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments_by_video.py']
data_root = 'data/mad'

feature_spec = dict(
    streams=dict(clip=dict(dim=512, normalise='none')),
    text=dict(dim=512, normalise='none'),
    clip_len=0.2,
)
stores = dict(
    clip=dict(type='FolderStore', folder='clip_features/video_5fps_512d', template='{vid}.npy'),
    text=dict(type='FolderStore', folder='clip_features/token_512d', template='{qid}.npy'),
)
_dataset = dict(
    data_root=data_root,
    annotations=dict(outside='clip'),
    pipeline=dict(targets=dict(grid='clip_len')),
)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='NearbyQuerySampler', max_clips=8192, max_queries=16, epochs=8),
    dataset=dict(
        _dataset,
        ann_file='mad_train.jsonl',
        pipeline=dict(_dataset['pipeline'], augment=dict(crop=dict(type='CropClips', max_clips=8192))),
    ),
)
val_dataloader = dict(batch_size=1, dataset=dict(_dataset, ann_file='mad_val.jsonl'))
test_dataloader = dict(batch_size=1, dataset=dict(_dataset, ann_file='mad_test.jsonl'))

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='mad')]
test_evaluator = val_evaluator
