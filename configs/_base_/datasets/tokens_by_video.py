# As moments_by_video.py, for a text encoder that trains along: sentences are DistilBERT's token numbers, and clips
# share the duration of the video, which is how 2D-TAN and MMN read C3D and VGG features.
_base_ = ['./moments_by_video.py']
dataset = dict(
    feature_spec=dict(text=dict(dim=1, normalise='none')),
    stores=dict(text=dict(type='TokenIdStore', tokenizer='distilbert-base-uncased')),
    annotations=dict(outside='clip'),
    pipeline=dict(load=dict(clip_time='duration'), targets=dict(grid='clip_len')),
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
del dataset  # only a name of this file
