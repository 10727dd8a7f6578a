# MMN on joined videos, where position says nothing: trains on a CPU. MiniLM tokens stay as they are.
_base_ = [
    '../_base_/models/mmn.py',
    '../_base_/datasets/msrvtt_joined.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=256, word_dims=384, num_clips=32),
    projector=dict(num_parts=64),
    encoder=dict(map=dict(counts=(15,)), num_layers=2, kernel_size=3),
    criterion=dict(losses=dict(vid=dict(late_epoch=10), sent=dict(late_epoch=10))),
)
feature_spec = dict(tef=False)
_dataset = dict(pipeline=dict(tef=None))
_collate = dict(type='video_collate')
train_dataloader = dict(batch_size=16, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
val_dataloader = dict(batch_size=50, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=15, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=5e-4), paramwise_cfg=None)
param_scheduler = dict(milestones=[8, 12])
