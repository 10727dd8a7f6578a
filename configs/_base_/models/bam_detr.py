# BAM-DETR (Lee and Byun, ECCV 2024): boundary-oriented moments (p, d_s, d_e), a decoder with a pathway for the point and
# one for each boundary, predictions ranked by their expected IoU. Encoder and highlight losses are those of QD-DETR.
# As published; bam_detr_official_qvhl.py has what the official code does otherwise.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='prelu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='NegativePairEncoder',
        sampler=dict(type='RollNegativeSampler'),
        encoder=dict(
            type='GlobalTokenEncoder',
            fusion=dict(type='TextToVideoFusion', num_layers=2, layer=dict(type='CrossEncoderLayer')),
            layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
        ),
    ),
    query_initializer=dict(type='MomentQueryInitializer', num_queries=10),
    decoder=dict(
        type='DualPathDecoder',
        num_layers=2,
        position=dict(type='AnchorQueryPosition', full_width=True, hidden_ratio=2),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
        boundary_features=dict(type='ConvStack', kernel_sizes=(3, 3, 1)),
        boundary_layer=dict(type='BoundaryLayer', attention=dict(type='BoundaryDeformation', num_points=3)),
    ),
    moment_head=dict(type='MomentHead', span=dict(type='RefinedSpanHead'), quality=dict(type='DualPathQualityHead')),
    saliency_head=dict(type='TokenSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(
            type='HungarianAssigner',
            costs=dict(
                span=dict(type='SpanL1Cost', weight=10.0, windows=True),
                giou=dict(type='SpanGIoUCost', weight=1.0, clamp=True),
            ),
        ),
        losses=dict(
            span=dict(type='SpanL1Loss', weight=10.0, windows=True),
            giou=dict(type='SpanGIoULoss', weight=1.0),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2),
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
            quality=dict(type='BalancedQualityLoss', weight=2.0),
            boundary=dict(type='BoundaryEvidenceLoss', weight=1.0),
        ),
    ),
    postprocessor=dict(
        type='MomentPostProcessor',
        score='quality',
        nms=dict(type='SoftNMS', threshold=0.3, sigma=0.5, max_predictions=10),
    ),
)
