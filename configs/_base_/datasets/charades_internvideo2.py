# Charades-STA: InternVideo2-6B at 1 s, Chinese-Alpaca-7B words (features of the InternVideo2 authors: mmvmr download
# internvideo2_video_charades internvideo2_text_charades). Video 768 + 2, text 4096; the files are those of
# qvhl_internvideo2.py. No validation split, as in charades_sta.py.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./charades_sta.py']
data_root = 'data/charades_internvideo2'
feature_spec = dict(
    _delete_=True, streams=dict(internvideo2=dict(dim=768)), text=dict(dim=4096, max_length=32), clip_len=1.0
)
stores = dict(
    slowfast=None,
    clip=None,
    internvideo2=dict(type='FolderStore', folder='charade_sta_6b', template='{vid}.pt'),
    text=dict(folder='charade_sta_llama_text_feature', template='qid{qid}.pt', key=None),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = val_dataloader
