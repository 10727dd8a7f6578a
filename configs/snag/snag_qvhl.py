# SnAG on QVHighlights (SlowFast + CLIP), where TD-DETR reports it; neither features nor options are printed. The sizes
# are those of Charades-STA for 75 clips of 2 s, our decision. SnAG has no highlight scores.
_base_ = [
    '../_base_/models/snag.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_16e_warmup5.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(video=dict(arch=(2, 1, 5), max_length=96), text=dict(max_length=32)),
    point_generator=dict(regression_range=4, max_length=96),
    point_head=dict(num_levels=5),
    postprocessor=dict(nms=dict(max_predictions=10)),
)
feature_spec = dict(tef=False)
_dataset = dict(pipeline=dict(tef=None))
_collate = dict(type='video_collate')
train_dataloader = dict(batch_size=16, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
val_dataloader = dict(batch_size=50, sampler=dict(type='VideoSampler'), collate_fn=_collate, dataset=_dataset)
test_dataloader = val_dataloader
val_evaluator = [dict(type='MomentRetrievalMetric', protocol='qvhighlights')]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=30)
default_hooks = dict(ema=dict(type='MomentEMAHook', momentum=0.001))
randomness = dict(seed=1234567891)
