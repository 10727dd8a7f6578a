# QD-DETR with the dynamic anchors and the Gaussian mask of SA-DETR (table 11 of that paper).
_base_ = ['./qd_detr_dynamic_anchor_qvhl.py']
model = dict(decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator')))))
