# QVHighlights: the last four layers of CLIP ViT-B/32 at 2 s (features of the R2-Tuning authors, 23 MB per video). The files
# are arrays [clips, 4, 50, 768] and [text tokens, 4, 512], which are read as vectors. Video 153600 + 2, text 2048.
# data_root holds highlight_{train,val}_release.jsonl and the folders of stores. Files of mmvmr extract have other names:
# --cfg-options stores.clip_layers.template={vid}.npz stores.text.template=qid{qid}.npz
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./qvhl.py']
data_root = 'data/qvhl_clip_layers'
extraction = 'clip_b32_layers_2s'
feature_spec = dict(
    _delete_=True,
    streams=dict(clip_layers=dict(dim=4 * 50 * 768, normalise='none')),
    text=dict(dim=4 * 512, normalise='none', max_length=77),
    clip_len=2.0,
    max_clips=75,
)
stores = dict(
    slowfast=None,
    clip=None,
    clip_layers=dict(type='FolderStore', folder='clip_b32_vid_k4', template='{vid}.npy'),
    text=dict(folder='clip_b32_txt_k4', template='{qid}.npy', key=None),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(batch_size=16, dataset=_dataset)  # 46 MB of float32 per query
test_dataloader = val_dataloader
