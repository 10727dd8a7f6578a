# CG-DETR on QVHighlights with only CLIP features (the official repository releases a checkpoint).
_base_ = [
    '../_base_/models/cg_detr.py',
    '../_base_/datasets/qvhl_clip.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
