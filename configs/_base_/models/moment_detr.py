# Moment-DETR (Lei et al., NeurIPS 2021): a joint encoder over video and text, learned queries, no anchors.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='relu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='JointEncoder',
        layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
    ),
    query_initializer=dict(type='LearnedQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=2,
        position=dict(type='LearnedQueryPosition'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='QuerySelfAttention'),
            cross_attn=dict(type='QueryCrossAttention'),
        ),
    ),
    moment_head=dict(type='MomentHead', span=dict(type='DirectSpanHead'), logits=dict(type='ForegroundHead')),
    saliency_head=dict(type='LinearSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(
            type='HungarianAssigner',
            costs=dict(
                span=dict(type='SpanL1Cost', weight=10.0),
                giou=dict(type='SpanGIoUCost', weight=1.0),
                label=dict(type='ForegroundCost', weight=4.0),
            ),
        ),
        losses=dict(
            span=dict(type='SpanL1Loss', weight=10.0),
            giou=dict(type='SpanGIoULoss', weight=1.0),
            label=dict(type='ForegroundLoss', weight=4.0, background_weight=0.1),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
