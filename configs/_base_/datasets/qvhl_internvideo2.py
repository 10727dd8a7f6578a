# QVHighlights: InternVideo2-6B at 2 s, Chinese-Alpaca-7B words (features of the InternVideo2 authors: mmvmr download
# internvideo2_video_qvhl internvideo2_text_qvhl). Video 768 + 2, text 4096. The files are tensors, [clips, 768] and
# [words, 4096], which are read without running anything that a file may hold.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./qvhl.py']
data_root = 'data/qvhl_internvideo2'
extraction = None  # no library has the network, see docs/user_guides/features.md
feature_spec = dict(
    _delete_=True,
    streams=dict(internvideo2=dict(dim=768)),
    text=dict(dim=4096, max_length=32),
    clip_len=2.0,
    max_clips=75,
)
stores = dict(
    slowfast=None,
    clip=None,
    internvideo2=dict(type='FolderStore', folder='qvhighlight_6b', template='{vid}.pt'),
    text=dict(folder='qvhighlight_llama_text_feature', template='qid{qid}.pt', key=None),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = val_dataloader
