# Charades-STA: VGG at 1/6 s, GloVe word vectors (setting of CG-DETR). Video 4096 + 2, text 300.
# SA-DETR counts 1/8 s per clip: a leaf config sets feature_spec.clip_len of its features; a wrong one is refused.
# No validation split, as in charades_sta.py.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py']
data_root = 'data/charades_vgg'

feature_spec = dict(
    streams=dict(vgg=dict(dim=4096)),
    text=dict(dim=300, normalise='none'),
    clip_len=0.166666,
)
stores = dict(
    vgg=dict(type='FolderStore', folder='vgg_features/rgb_features', template='{vid}.npy'),
    text=dict(type='WordVectorStore', file='glove.6B.300d.txt', dim=300),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(batch_size=16, dataset=dict(_dataset, ann_file='charades_train_release.jsonl'))
val_dataloader = dict(batch_size=16, dataset=dict(_dataset, ann_file='charades_test_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
