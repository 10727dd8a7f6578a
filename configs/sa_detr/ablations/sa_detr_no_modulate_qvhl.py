# Table 6: without the Gaussian mask.
_base_ = ['../sa_detr_qvhl.py']
model = dict(decoder=dict(layer=dict(cross_attn=dict(modulator=None))))
