# QD-DETR with the dynamic anchors and the Gaussian mask of SA-DETR (table 11 of that paper):
# mmvmr compose qd_detr_qvhl --with sa.anchors sa.init_loss sa.gaussian
_base_ = ['./qd_detr_qvhl.py']
model = dict(
    criterion=dict(
        losses=dict(
            init_span=dict(type='SpanL1Loss', weight=10.0, sets=('init',)),
            init_giou=dict(type='SpanGIoULoss', weight=1.0, sets=('init',)),
        )
    ),
    query_initializer=dict(_delete_=True, type='DynamicAnchorQueryInitializer', num_queries=10),
    decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator', alpha=2.0, mode='multiply')))),
)
