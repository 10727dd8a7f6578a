# SnAG on joined videos, where position says nothing: trains on a CPU. Videos of 40 to 150 clips.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/msrvtt_joined.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=256, text_embed_dims=128),
    encoder=dict(video=dict(arch=(2, 1, 5), max_length=192), text=dict(num_layers=2, max_length=32)),
    point_generator=dict(regression_range=4, max_length=192),
    point_head=dict(num_levels=5),
    criterion=dict(losses=dict(foreground=dict(normalizer=dict(initial=100)), span=dict(normalizer=dict(initial=100)))),
    postprocessor=dict(nms=dict(max_predictions=10)),
)
feature_spec = dict(tef=False)
_dataset = dict(pipeline=dict(tef=None))
_collate = dict(type='video_collate')
train_dataloader = dict(batch_size=32, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
val_dataloader = dict(batch_size=90, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=15, val_interval=5)
param_scheduler = dict(end=3)
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.002))
randomness = dict(seed=1234567891)
