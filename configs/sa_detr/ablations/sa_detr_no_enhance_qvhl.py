# Table 6: without the enhance block.
_base_ = ['../sa_detr_qvhl.py']
model = dict(decoder=dict(layer=dict(enhance=None)))
