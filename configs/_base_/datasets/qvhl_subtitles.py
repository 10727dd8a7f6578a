# Pre-training on automatic captions (ASR) of QVHighlights, one window each, in batches of 256; validation as in qvhl.py.
# data_root holds subs_train.jsonl and {slowfast_sub,clip_sub,clip_sub_text}_features/ of the Moment-DETR authors.
_base_ = ['./qvhl.py']
train_dataloader = dict(
    batch_size=256,
    dataset=dict(
        ann_file='subs_train.jsonl',
        stores=dict(
            slowfast=dict(folder='slowfast_sub_features'),
            clip=dict(folder='clip_sub_features'),
            text=dict(folder='clip_sub_text_features'),
        ),
        pipeline=dict(targets=dict(labels=dict(_delete_=True, type='MomentLabels'))),
    ),
)
