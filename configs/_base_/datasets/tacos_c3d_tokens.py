# TACoS: C3D (features of 2D-TAN), token numbers. Video 4096. The published recipe evaluates the test split every epoch
# and takes the last one; this one evaluates the validation split.
_base_ = ['./tokens_by_video.py']
data_root = 'data/tacos_2dtan'

feature_spec = dict(streams=dict(c3d=dict(dim=4096)), clip_len=0.5)  # nominal: clips share the duration
stores = dict(c3d=dict(type='HDF5Store', file='tall_c3d_features.hdf5', template='{vid}.avi'))
_dataset = dict(data_root=data_root)
train_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='tacos_train_release.jsonl'))
val_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='tacos_val_release.jsonl'))
test_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='tacos_test_release.jsonl'))

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='tacos')]
test_evaluator = val_evaluator
