# QD-DETR with the dynamic anchors and the Gaussian mask of SA-DETR (table 11 of that paper):
# tools/compose.py configs/qd_detr/qd_detr_qvhl.py --with sa.anchors sa.init_loss sa.gaussian
_base_ = ['./qd_detr_dynamic_anchor_qvhl.py']
model = dict(
    decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator', alpha=2.0, mode='multiply'))))
)
