# Table 4 without FA: no alignment losses.
_base_ = ['../sa_detr_qvhl.py']
model = dict(criterion=dict(losses=dict(video_text=None, clip_local=None, clip_intra=None, clip_inter=None)))
