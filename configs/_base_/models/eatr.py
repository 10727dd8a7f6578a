# EaTR (Jang et al., ICCV 2023): slots find the events of a video and become the moment queries; pseudo events from its
# self-similarity teach them; the first decoder layer brings the sentence into the queries by a gate.
# As published; eatr_official_qvhl.py has what the official code does otherwise.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='relu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='EventContextEncoder',
        events=dict(type='PseudoEvents'),
        encoder=dict(
            type='JointEncoder',
            layers=dict(type='TransformerEncoder', num_layers=3, layer=dict(type='EncoderLayer')),
        ),
    ),
    query_initializer=dict(type='SlotQueryInitializer', num_queries=10, num_iters=3),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=3,
        position=dict(type='AnchorQueryPosition', full_width=True, scale_first_layer=True),
        refiner=dict(type='AnchorRefiner', zero_init=True),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True), enhance=dict(type='GatedFusion')),
        refine_from='output',
        detach_anchors=True,
    ),
    moment_head=dict(type='MomentHead', span=dict(type='RefinedSpanHead'), logits=dict(type='ForegroundHead')),
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
            # Event coefficient 3 times the weights of span and giou.
            event_span=dict(type='SpanL1Loss', weight=30.0, sets=('event',)),
            event_giou=dict(type='SpanGIoULoss', weight=3.0, sets=('event',)),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
