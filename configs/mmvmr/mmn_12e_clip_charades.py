# The best there is here on part of Charades-STA: MMN with twelve epochs, the contrast over the batch for the first eight,
# and windows that are means of the candidates that they suppress, weighted by the fourth power of the score.
_base_ = ['../mmn/mmn_clip_charades.py']
model = dict(
    criterion=dict(losses=dict(vid=dict(late_epoch=8), sent=dict(late_epoch=8))),
    postprocessor=dict(vote=dict(type='SegmentVoting', threshold=0.6, power=4.0, once=True)),
)
train_cfg = dict(max_epochs=12, val_interval=3)
param_scheduler = dict(milestones=[8])
