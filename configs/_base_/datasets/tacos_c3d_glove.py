# TACoS: every fourth C3D vector (16 frames every 4), windows of 2304 clips while training; GloVe. Video 4096, text 300.
# The published recipe evaluates the test split; this one chooses the epoch on the validation split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./glove_by_video.py']
data_root = 'data/tacos_snag'

feature_spec = dict(streams=dict(c3d=dict(dim=4096, normalise='none')), clip_len=0.136)  # 4 frames of 29.4 a second
stores = dict(c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy'))
_dataset = dict(
    data_root=data_root,
    pipeline=dict(load=dict(step=4)),
)
train_dataloader = dict(
    batch_size=4,
    sampler=dict(type='NearbyQuerySampler', max_clips=2304, max_queries=4, epochs=15, step=4),
    dataset=dict(
        _dataset,
        ann_file='tacos_train_release.jsonl',
        pipeline=dict(_dataset['pipeline'], augment=dict(crop=dict(type='CropClips', max_clips=2304))),
    ),
)
val_dataloader = dict(batch_size=1, dataset=dict(_dataset, ann_file='tacos_val_release.jsonl'))
test_dataloader = dict(batch_size=1, dataset=dict(_dataset, ann_file='tacos_test_release.jsonl'))

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='tacos')]
test_evaluator = val_evaluator
