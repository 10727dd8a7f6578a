# Charades-STA: I3D of frames and of optical flow (16 frames every 4), each video at 256 clips; GloVe. Video 2048, text 300.
# The data set has no validation split: the published recipe, and this one, evaluates the test split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./glove_by_video.py']
data_root = 'data/charades_snag'

feature_spec = dict(
    streams=dict(rgb=dict(dim=1024, normalise='none'), flow=dict(dim=1024, normalise='none')),
    clip_len=1 / 6,  # nominal: videos differ in frames per second
)
stores = dict(
    rgb=dict(type='FolderStore', folder='i3d_features/kinetics/rgb', template='{vid}.npy'),
    flow=dict(type='FolderStore', folder='i3d_features/kinetics/flow', template='{vid}.npy'),
)
_dataset = dict(
    data_root=data_root,
    pipeline=dict(load=dict(length=256)),
)
train_dataloader = dict(
    batch_size=8, sampler=dict(max_queries=4), dataset=dict(_dataset, ann_file='charades_train_release.jsonl')
)
val_dataloader = dict(batch_size=8, dataset=dict(_dataset, ann_file='charades_test_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
