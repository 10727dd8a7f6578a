# The best there is here on part of Charades-STA: MMN with twelve epochs, the contrast over the batch for the first eight.
_base_ = ['../mmn/mmn_clip_charades.py']
model = dict(criterion=dict(losses=dict(vid=dict(late_epoch=8), sent=dict(late_epoch=8))))
train_cfg = dict(max_epochs=12, val_interval=3)
param_scheduler = dict(milestones=[8])
