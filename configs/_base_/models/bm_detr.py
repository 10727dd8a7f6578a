# BM-DETR (Jung et al., WACV 2025): clips weighted by the probability that they match the sentence and not a negative
# one, learnable spans, alignment of pooled clips and text tokens. As published; bm_detr_official_*.py have what the
# official code does otherwise. Weights are those of QVHighlights.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='prelu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='FrameMatchEncoder',
        encoder=dict(
            type='JointEncoder',
            layers=dict(
                type='TransformerEncoder',
                num_layers=3,
                layer=dict(type='EncoderLayer'),
                position_scale=dict(type='ContentScale'),
            ),
        ),
    ),
    query_initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=3,
        position=dict(type='AnchorQueryPosition'),
        refiner=None,
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
    ),
    moment_head=dict(type='MomentHead', span=dict(type='AnchorSpanHead'), logits=dict(type='ForegroundHead')),
    saliency_head=dict(type='LinearSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(
            type='HungarianAssigner',
            costs=dict(
                span=dict(type='SpanL1Cost', weight=1.0),
                giou=dict(type='SpanGIoUCost', weight=8.0),
                label=dict(type='ForegroundCost', weight=8.0),
            ),
        ),
        losses=dict(
            span=dict(type='SpanL1Loss', weight=1.0, final_only=True),
            giou=dict(type='SpanGIoULoss', weight=8.0, final_only=True),
            label=dict(type='ForegroundLoss', weight=8.0, background_weight=0.1, final_only=True),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2),
            frame_guidance=dict(type='FrameGuidanceLoss', weight=2.0),
            alignment=dict(type='PooledAlignmentLoss', weight=3.0),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
