# Moments for models that encode a video once for all its sentences: batch_size counts videos. No endpoint features.
_base_ = ['./moments.py']
dataset = dict(feature_spec=dict(tef=False), pipeline=dict(tef=None))
train_dataloader = dict(
    sampler=dict(type='VideoSampler', shuffle=True), collate_fn=dict(type='video_collate'), dataset=dataset
)
val_dataloader = dict(
    sampler=dict(type='VideoSampler', shuffle=False), collate_fn=dict(type='video_collate'), dataset=dataset
)
test_dataloader = val_dataloader
del dataset  # only a name of this file
