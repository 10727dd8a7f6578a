# ActivityNet-Captions: C3D after PCA (16 frames every 8), each video at 256 clips; GloVe. Video 500, text 300.
# The published recipe evaluates val_2, the test split of moment retrieval.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./glove_by_video.py']
data_root = 'data/activitynet_snag'

feature_spec = dict(
    streams=dict(c3d=dict(dim=500, normalise='none')), clip_len=0.3
)  # nominal: videos differ in frames per second
stores = dict(c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy'))
_dataset = dict(
    data_root=data_root,
    pipeline=dict(load=dict(length=256)),
)
train_dataloader = dict(
    batch_size=16,
    sampler=dict(max_queries=2, overflow='draw'),
    dataset=dict(_dataset, ann_file='activitynet_train_release.jsonl'),
)
val_dataloader = dict(batch_size=8, dataset=dict(_dataset, ann_file='activitynet_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='activitynet')]
test_evaluator = val_evaluator
