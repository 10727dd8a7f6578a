# UVCOM on QVHighlights (SlowFast + CLIP), as published, without what the official code lets padding do.
_base_ = [
    '../_base_/models/uvcom.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_step100.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
randomness = dict(seed=2023)
