# TR-DETR on QVHighlights (SlowFast + CLIP), as published, without the bugs of the official code.
_base_ = [
    '../_base_/models/tr_detr.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
randomness = dict(seed=2017)
