# Moment-DETR on QVHighlights with only CLIP features: the checkpoint that the official repository ships.
_base_ = [
    '../_base_/models/moment_detr.py',
    '../_base_/datasets/qvhl_clip.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
