# Part of Charades-STA with CLIP ViT-B/32 at 1 s and MiniLM-L6 tokens: small enough to train on a CPU.
# Video 512 + 2, text 384. Figures on its validation videos compare methods here, never with published tables.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py']
data_root = 'data/charades_clip'

feature_spec = dict(
    streams=dict(clip=dict(dim=512)),
    text=dict(dim=384, max_length=32),
    clip_len=1.0,
)
stores = dict(
    clip=dict(type='FolderStore', folder='features/clip_b32_1fps', template='{vid}.npz', key='features'),
    text=dict(type='FolderStore', folder='features/minilm_tokens', template='qid{qid}.npz', key='last_hidden_state'),
)
extraction = 'clip_b32_minilm_1fps'  # of configs/features: how the finder makes these features
_dataset = dict(
    data_root=data_root,
    pipeline=dict(load=dict(cache=True)),
)
train_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(_dataset, ann_file='train.jsonl'))
val_dataloader = dict(
    batch_size=100, num_workers=0, persistent_workers=False, dataset=dict(_dataset, ann_file='val.jsonl')
)
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
