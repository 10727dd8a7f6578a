# QD-DETR with the dynamic anchors of SA-DETR (table 11 of that paper), made from the saliency token:
# mmvmr compose qd_detr_qvhl --with sa.anchors sa.init_loss
_base_ = ['./qd_detr_qvhl.py']
model = dict(
    criterion=dict(
        losses=dict(
            init_span=dict(type='SpanL1Loss', weight=10.0, sets=('init',)),
            init_giou=dict(type='SpanGIoULoss', weight=1.0, sets=('init',)),
        )
    ),
    query_initializer=dict(_delete_=True, type='DynamicAnchorQueryInitializer', num_queries=10),
)
