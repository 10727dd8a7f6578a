# Charades-STA: the last four layers of CLIP ViT-B/32 at 1 s (features of the R2-Tuning authors); files as in
# qvhl_clip_layers.py. Sentences have the numbers of the jsonl that come with these features. No validation split, as in
# charades_sta.py.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./charades_sta.py']
data_root = 'data/charades_clip_layers'
extraction = 'clip_b32_layers_1fps'
feature_spec = dict(
    _delete_=True,
    streams=dict(clip_layers=dict(dim=4 * 50 * 768, normalise='none')),
    text=dict(dim=4 * 512, normalise='none', max_length=77),
    clip_len=1.0,
)
stores = dict(
    slowfast=None,
    clip=None,
    clip_layers=dict(type='FolderStore', folder='clip_b32_vid_k4', template='{vid}.npy'),
    text=dict(folder='clip_b32_txt_k4', template='{qid}.npy', key=None),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=dict(_dataset, ann_file='charades_train.jsonl'))
val_dataloader = dict(batch_size=16, dataset=dict(_dataset, ann_file='charades_test.jsonl'))
test_dataloader = val_dataloader
