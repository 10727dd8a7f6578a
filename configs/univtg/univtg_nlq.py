# UniVTG on Ego4D natural language queries (SlowFast + CLIP at 2 s). No official script: that of QVHighlights, with the weights
# of the saliency losses of co-training, in which this data set takes part.
_base_ = [
    '../_base_/models/univtg.py',
    '../_base_/datasets/nlq.py',
    '../_base_/schedules/schedule_200e_warmup10_step80.py',
    '../_base_/default_runtime.py',
]
dataset = dict(feature_spec=dict(text=dict(max_length=None)), pipeline=dict(targets=dict(inside='center')))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
del dataset  # only a name of this file
