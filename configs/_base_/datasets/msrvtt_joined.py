# 1,000 trimmed videos of MSR-VTT (the 1k-A test list) with a sentence each, joined five at a time: windows are exact,
# positions uniform, and the context has nothing to do with the sentence. EfficientNet-Lite0 and ConSE vectors at 1 s
# (the latter in the space of the sentences), MiniLM-L6 tokens. Video 1280 + 384 + 2, text 384. Training draws new joins
# every epoch, validation is fixed. A set of one's own: docs/user_guides/data.md, "Joined videos".
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py']
data_root = 'data/msrvtt_1k'

feature_spec = dict(
    streams=dict(effnet=dict(dim=1280), conse=dict(dim=384)),
    text=dict(dim=384, max_length=32),
    clip_len=1.0,
)
stores = dict(
    effnet=dict(type='FolderStore', folder='features/effnet_lite0_1fps', template='{vid}.npz', key='features'),
    conse=dict(type='FolderStore', folder='features/conse_minilm_1fps', template='{vid}.npz', key='features'),
    text=dict(type='FolderStore', folder='features/minilm_tokens', template='{text}.npz', key='last_hidden_state'),
)
_dataset = dict(type='JoinedVideos', data_root=data_root, pipeline=dict(targets=dict(grid='clip_len')))
train_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(_dataset, ann_file='train_videos.jsonl', joins=2)
)
val_dataloader = dict(
    batch_size=90, num_workers=0, persistent_workers=False, dataset=dict(_dataset, ann_file='val_joined.jsonl')
)
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
