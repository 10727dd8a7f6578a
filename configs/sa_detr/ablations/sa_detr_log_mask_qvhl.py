# Not in the paper: the Gaussian mask weighs the attention instead of the logits.
_base_ = ['../sa_detr_qvhl.py']
model = dict(decoder=dict(layer=dict(cross_attn=dict(modulator=dict(mode='log')))))
