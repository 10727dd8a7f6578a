# Ego4D natural language queries, a video with its sentences: SlowFast (32 frames every 16) and BERT words, vectors as
# stored. Video 2304, text 768.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments_by_video.py']
data_root = 'data/ego4d_snag'

feature_spec = dict(
    streams=dict(slowfast=dict(dim=2304, normalise='none')),
    text=dict(dim=768, normalise='none'),
    clip_len=16 / 30,
)
stores = dict(
    slowfast=dict(type='FolderStore', folder='slowfast_features', template='{vid}.npy'),
    text=dict(type='FolderStore', folder='bert_features', template='{qid}.npy'),
)
_dataset = dict(
    data_root=data_root,
    annotations=dict(outside='clip'),
    pipeline=dict(
        load=dict(type='LoadResampledFeatures'),
        targets=dict(type='BuildMomentTargets', grid='clip_len', labels=dict(type='MomentLabels')),
    ),
)
train_dataloader = dict(
    batch_size=1,
    sampler=dict(type='NearbyQuerySampler', max_clips=2304, max_queries=2, epochs=10, min_ratio=1.0),
    dataset=dict(
        _dataset,
        ann_file='nlq_train.jsonl',
        pipeline=dict(_dataset['pipeline'], augment=dict(crop=dict(type='CropClips', max_clips=2304, ratio=None))),
    ),
)
val_dataloader = dict(batch_size=1, dataset=dict(_dataset, ann_file='nlq_val.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='nlq')]
test_evaluator = val_evaluator
