# SlowFast + CLIP clips and CLIP words in the folders that the authors of Moment-DETR and CG-DETR share.
# Video 2816 + 2, text 512. Features only: a data set names this file next to moments.py.
feature_spec = dict(
    streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)),
    text=dict(dim=512, max_length=32),
    clip_len=2.0,
)
stores = dict(
    slowfast=dict(type='FolderStore', folder='slowfast_features', template='{vid}.npz'),
    clip=dict(type='FolderStore', folder='clip_features', template='{vid}.npz'),
    text=dict(type='FolderStore', folder='clip_text_features', template='qid{qid}.npz', key='last_hidden_state'),
)
