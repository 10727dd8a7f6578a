# BAM-DETR (Lee and Byun, ECCV 2024): boundary-oriented moments (p, d_s, d_e), a decoder with a pathway for the point and
# one for each boundary, predictions ranked by their expected IoU. Encoder and highlight losses are those of QD-DETR.
# As published; bam_detr_official_qvhl.py has what the official code does otherwise.
_base_ = ['./qd_detr.py']
model = dict(
    query_initializer=dict(type='MomentQueryInitializer'),
    decoder=dict(
        _delete_=True,
        type='DualPathDecoder',
        num_layers=2,
        position=dict(type='AnchorQueryPosition', full_width=True, hidden_ratio=2),
        layer=_base_.model.decoder.layer,
        first_layer=_base_.model.decoder.first_layer,
        boundary_features=dict(type='ConvStack', kernel_sizes=(3, 3, 1)),
        boundary_layer=dict(type='BoundaryLayer', attention=dict(type='BoundaryDeformation', num_points=3)),
    ),
    moment_head=dict(
        _delete_=True,
        type='MomentHead',
        span=dict(type='RefinedSpanHead'),
        quality=dict(type='DualPathQualityHead'),
    ),
    criterion=dict(
        assigner=dict(costs=dict(span=dict(windows=True), giou=dict(clamp=True), label=None)),
        losses=dict(
            span=dict(windows=True),
            label=None,
            quality=dict(type='BalancedQualityLoss', weight=2.0),
            boundary=dict(type='BoundaryEvidenceLoss', weight=1.0),
        ),
    ),
    postprocessor=dict(score='quality', nms=dict(type='SoftNMS', threshold=0.3, sigma=0.5, max_predictions=10)),
)
