# UniVTG on QVHighlights (SlowFast + CLIP), without pre-training: weights of the saliency losses as published for it.
# Neither videos nor sentences are cut.
_base_ = [
    '../_base_/models/univtg.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_warmup10_step80.py',
    '../_base_/default_runtime.py',
]
model = dict(criterion=dict(losses=dict(clip_intra=dict(weight=0.05), clip_inter=dict(weight=0.01))))
feature_spec = dict(max_clips=None, text=dict(max_length=None))
_dataset = dict(pipeline=dict(targets=dict(max_windows=100)))
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
