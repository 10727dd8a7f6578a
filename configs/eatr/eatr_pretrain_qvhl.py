# EaTR pre-trained on automatic captions (ASR) of QVHighlights: 100 epochs of batch 256. The official script has these
# settings and fails in its data loader.
# Fine-tune with: eatr_qvhl.py --cfg-options load_from=work_dirs/eatr_pretrain_qvhl/<best>.pth
# data_root holds subs_train.jsonl and {slowfast_sub,clip_sub,clip_sub_text}_features/ of the Moment-DETR authors.
_base_ = ['./eatr_qvhl.py']
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
train_cfg = dict(max_epochs=100)
