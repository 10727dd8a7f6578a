# UniVTG on Ego4D natural language queries (SlowFast + CLIP at 2 s). No official script: that of QVHighlights, with the weights
# of the saliency losses of co-training, in which this data set takes part.
_base_ = [
    '../_base_/models/univtg.py',
    '../_base_/datasets/nlq.py',
    '../_base_/schedules/schedule_200e_warmup10_step80.py',
    '../_base_/default_runtime.py',
]
feature_spec = dict(text=dict(max_length=None))
_dataset = dict(pipeline=dict(targets=dict(inside='center')))
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
