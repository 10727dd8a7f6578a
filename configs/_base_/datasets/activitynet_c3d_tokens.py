# ActivityNet-Captions: C3D after PCA (features of the challenge, 8 frames a clip), token numbers. Video 500.
# The published recipe evaluates the test split (val_2) every epoch and takes the last one.
_base_ = ['./tokens_by_video.py']
data_root = 'data/activitynet_2dtan'

feature_spec = dict(streams=dict(c3d=dict(dim=500)), clip_len=0.3)  # nominal: videos differ in frames per second
stores = dict(c3d=dict(type='HDF5Store', file='sub_activitynet_v1-3.c3d.hdf5', key='c3d_features'))
_dataset = dict(data_root=data_root)
train_dataloader = dict(batch_size=48, dataset=dict(_dataset, ann_file='activitynet_train_release.jsonl'))
val_dataloader = dict(batch_size=48, dataset=dict(_dataset, ann_file='activitynet_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='activitynet')]
test_evaluator = val_evaluator
