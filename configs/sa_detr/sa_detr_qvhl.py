# SA-DETR on QVHighlights (SlowFast + CLIP), first row of table 9 of the paper.
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_linear40.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))  # windows are annotated in clips of 2 s
