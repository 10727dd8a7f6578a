# Charades-STA: VGG (features of 2D-TAN, about 1/6 s), token numbers. Video 4096. No validation split, as in
# charades_sta.py: the published recipe evaluates the test split every epoch and takes the last one.
_base_ = ['./tokens_by_video.py']
data_root = 'data/charades_2dtan'

feature_spec = dict(streams=dict(vgg=dict(dim=4096)), clip_len=0.166666)
stores = dict(vgg=dict(type='HDF5Store', file='vgg_rgb_features.hdf5'))
_dataset = dict(data_root=data_root)
train_dataloader = dict(batch_size=48, dataset=dict(_dataset, ann_file='charades_train_release.jsonl'))
val_dataloader = dict(batch_size=48, dataset=dict(_dataset, ann_file='charades_test_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
