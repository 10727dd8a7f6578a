# TD-DETR (Zhou et al., ICCV 2025) as published: QD-DETR with a second path from differences of clips to the text
# tokens. The other half of the method, synthesized videos, is an augmentation: see the data of configs/td_detr.
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
            fusion=dict(
                type='TemporalDynamicsFusion',
                beta=0.7,
                fusion=dict(type='TextToVideoFusion', num_layers=2, layer=dict(type='CrossEncoderLayer')),
            ),
            layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
        ),
    ),
    query_initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=2,
        position=dict(type='AnchorQueryPosition'),
        refiner=dict(type='AnchorRefiner'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
    ),
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
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
