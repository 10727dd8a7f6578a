# What the set-prediction methods have in common unless a method's file says otherwise: widths, projections, the matching
# of (center, width) spans with foreground logits, and the losses of Moment-DETR. A method adds encoder, query
# initializer and decoder.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='prelu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', video_dims=2818, text_dims=512, num_layers=2, input_dropout=0.5),
    moment_head=dict(type='MomentHead', span=dict(type='AnchorSpanHead'), logits=dict(type='ForegroundHead')),
    saliency_head=dict(type='TokenSaliencyHead'),
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
