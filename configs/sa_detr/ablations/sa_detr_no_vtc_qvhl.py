# Table 10: without L_vtc.
_base_ = ['../sa_detr_qvhl.py']
model = dict(criterion=dict(losses=dict(video_text=None)))
