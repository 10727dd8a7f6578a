# Table 7: both alignments after the fusion.
_base_ = ['../sa_detr_qvhl.py']
model = dict(criterion=dict(losses=dict(video_text=dict(stage='after'))))
