# SA-DETR (Xiong et al., COLING 2025): anchors from a fusion token, denoising groups, a decoder that looks where the
# anchors are. Losses: L_M = span + giou + init_* + noise_*, L_Q = quality + noise_quality, L_A = video_text + clip_*,
# L_S = saliency_*; a data set's config sets the weights.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='relu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='NegativePairEncoder',
        sampler=dict(type='RollNegativeSampler'),
        encoder=dict(
            type='MultiModalAlignEncoder',
            fusion=dict(
                type='SharedCrossFusion',
                num_layers=2,
                layer=dict(type='CrossEncoderLayer', normed_residual=True),
            ),
            global_block=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
            pool=dict(type='AttentionPool'),
            local_block=dict(type='LocalConvBlock', kernel_sizes=(1, 3, 1)),
        ),
    ),
    query_initializer=dict(
        type='DualPathQueryInitializer',
        direct=dict(type='DynamicAnchorQueryInitializer', num_queries=10),
        noise=dict(
            type='NoiseQueryGenerator',
            num_groups=5,
            positive_scale=0.2,
            negative_scale=0.6,
            contrastive='fixed',
        ),
    ),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=2,
        output_norm=False,
        position=dict(type='SpanQueryPosition'),
        refiner=dict(type='AnchorRefiner', coder=dict(type='LogitSpanCoder')),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='QuerySelfAttention'),
            enhance=dict(type='SpanEnhance', num_points=10),
            cross_attn=dict(
                type='ConditionalCrossAttention',
                modulator=dict(type='GaussianModulator', alpha=2.0, mode='multiply'),
            ),
        ),
    ),
    moment_head=dict(type='MomentHead', span=dict(type='RefinedSpanHead'), quality=dict(type='QualityHead')),
    saliency_head=dict(type='TokenSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(
            type='HungarianAssigner',
            costs=dict(
                span=dict(type='SpanL1Cost', weight=10.0),
                giou=dict(type='SpanGIoUCost', weight=1.0),
                quality=dict(type='QualityCost', weight=1.0),
            ),
        ),
        losses=dict(
            span=dict(type='SpanL1Loss', weight=10.0, normalizer='targets'),
            giou=dict(type='SpanGIoULoss', weight=1.0, normalizer='targets'),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2),
            init_span=dict(type='SpanL1Loss', weight=10.0, normalizer='targets', sets=('init',)),
            init_giou=dict(type='SpanGIoULoss', weight=1.0, normalizer='targets', sets=('init',)),
            noise_span=dict(type='SpanL1Loss', weight=10.0, normalizer='targets', sets=('noise',)),
            noise_giou=dict(type='SpanGIoULoss', weight=1.0, normalizer='targets', sets=('noise',)),
            quality=dict(type='QualityLoss', weight=1.0, matched_weight=1.0),
            noise_quality=dict(type='QualityMarginLoss', weight=1.0, margin=0.4),
            video_text=dict(type='VideoTextContrastiveLoss', weight=1.0, stage='before'),
            clip_local=dict(type='ClipTextLocalLoss', weight=1.0, stage='after'),
            clip_intra=dict(type='ClipTextIntraLoss', weight=1.0, stage='after'),
            clip_inter=dict(type='ClipTextInterLoss', weight=1.0, stage='after'),
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='quality'),
)
