# SnAG on Ego4D natural language queries (SlowFast, BERT), as the official options have it. A vector covers 32 frames
# every 16, so that its point is a whole distance after its first frame.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/nlq_by_video.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
_moving = dict(normalizer=dict(initial=10))
model = dict(
    shared=dict(embed_dims=512),
    encoder=dict(
        video=dict(arch=(2, 0, 8), window=19, max_length=2304),
        text=dict(num_layers=1, max_length=24),
        fusion=dict(mode='adaln'),
    ),
    point_generator=dict(offset=1.0, regression_range=4, max_length=2304),
    point_head=dict(num_levels=8),
    criterion=dict(losses=dict(foreground=_moving, span=dict(_moving, distance='none'))),
)
train_cfg = dict(max_epochs=10)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
