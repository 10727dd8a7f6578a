# SnAG on MAD (CLIP), as the official options have it. A film is encoded once for its thousand sentences, which are fused 16
# at a time. Windows of a film instead: model.windows=dict(type='SlidingWindows', size=8192, stride=4096).
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/mad.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
_moving = dict(normalizer=dict(initial=250))
model = dict(
    shared=dict(embed_dims=512, text_embed_dims=512, input_stride=2),
    encoder=dict(
        video=dict(arch=(2, 0, 9), window=17, max_length=4096, position=None),
        text=dict(_delete_=True, type='MeanTextToken'),
        fusion=dict(mode='adaln'),
    ),
    point_generator=dict(regression_range=4, max_length=4096),
    point_head=dict(num_levels=9),
    criterion=dict(losses=dict(foreground=_moving, span=_moving)),
    postprocessor=dict(pre_topk=200, nms=dict(max_predictions=50)),
    max_queries=16,
)
train_cfg = dict(max_epochs=8)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
