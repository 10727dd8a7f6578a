# SnAG on part of Charades-STA with only CLIP features: trains on a CPU. Videos of 30 clips a second apart need fewer
# levels, and no resampling.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=256, text_embed_dims=128),
    encoder=dict(video=dict(arch=(2, 1, 5), max_length=64), text=dict(num_layers=2, max_length=32)),
    point_generator=dict(regression_range=4, max_length=64),
    point_head=dict(num_levels=5),
    criterion=dict(losses=dict(foreground=dict(normalizer=dict(initial=100)), span=dict(normalizer=dict(initial=100)))),
    postprocessor=dict(nms=dict(max_predictions=10)),
)
feature_spec = dict(tef=False)
_dataset = dict(pipeline=dict(tef=None, targets=dict(grid='clip_len')))
_collate = dict(type='video_collate')
train_dataloader = dict(
    batch_size=16, sampler=dict(type='VideoSampler', max_queries=4), collate_fn=_collate, dataset=_dataset
)
val_dataloader = dict(batch_size=50, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=30)
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
