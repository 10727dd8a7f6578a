# As moments_by_video.py with GloVe words, and clips that share the duration of the video: the features that SnAG reads
# have a number of frames per clip, and videos differ in frames per second. Vectors are taken as stored.
_base_ = ['./moments_by_video.py']
dataset = dict(
    feature_spec=dict(text=dict(dim=300, normalise='none')),
    stores=dict(text=dict(type='WordVectorStore', file='glove.6B.300d.txt', split='punctuation')),
    annotations=dict(outside='clip'),
    pipeline=dict(
        load=dict(type='LoadResampledFeatures', clip_time='duration'),
        targets=dict(type='BuildMomentTargets', grid='clip_len', labels=dict(type='MomentLabels')),
    ),
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
del dataset  # only a name of this file
