# Tables 4 and 6 without AD: neither Gaussian mask nor enhance block.
_base_ = ['../sa_detr_qvhl.py']
model = dict(decoder=dict(layer=dict(enhance=None, cross_attn=dict(modulator=None))))
