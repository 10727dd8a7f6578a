# BAM-DETR on QVHighlights with InternVideo2 features (2 s) and the words of a language model: the recipe of
# bam_detr_qvhl.py.
_base_ = [
    '../_base_/models/bam_detr.py',
    '../_base_/datasets/qvhl_internvideo2.py',
    '../_base_/schedules/schedule_200e_step80.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
