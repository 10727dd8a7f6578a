# MMN on part of Charades-STA with CLIP features and MiniLM tokens that stay as they are: trains on a CPU. Smaller than
# the published model, whose step would cost 5 TFLOP for 16 videos.
_base_ = [
    '../_base_/models/mmn.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=256, word_dims=384),
    encoder=dict(num_layers=4, kernel_size=3),
    criterion=dict(losses=dict(vid=dict(late_epoch=8), sent=dict(late_epoch=8))),
)
feature_spec = dict(tef=False)
_dataset = dict(pipeline=dict(tef=None))
_collate = dict(type='video_collate')
train_dataloader = dict(batch_size=16, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
val_dataloader = dict(batch_size=50, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=20)
optim_wrapper = dict(optimizer=dict(lr=5e-4), paramwise_cfg=None)
param_scheduler = dict(milestones=[8, 15])
