# Table 10: without L_ctm.
_base_ = ['../sa_detr_qvhl.py']
model = dict(criterion=dict(losses=dict(clip_local=None, clip_intra=None, clip_inter=None)))
