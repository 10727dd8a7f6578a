# UVCOM (Xiao et al., CVPR 2024): cross-attention both ways, EM clusters of both modalities, a random walk over them,
# local and global context, query content from slots, similarities of videos, clips and sentences.
model = dict(
    type='MomentDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, activation='prelu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='NegativePairEncoder',
        sampler=dict(type='SimilarityNegativeSampler', start_epoch=80),
        similarity=dict(type='SimilarityProjector', hidden_dims=1024),
        encoder=dict(
            type='IntegrationEncoder',
            fusion=dict(
                type='MutualCrossFusion',
                to_video=dict(type='TextToVideoFusion', num_layers=3, layer=dict(type='CrossEncoderLayer')),
                to_text=dict(type='TextToVideoFusion', num_layers=3, layer=dict(type='CrossEncoderLayer')),
            ),
            sentence=dict(type='ProjectedMeanPool'),
            text_clusters=dict(type='ClusterMeans', num_clusters=5, num_iters=5),
            video_clusters=dict(type='ClusterMeans', num_clusters=30, num_iters=5),
            local=dict(type='ConvStack', kernel_sizes=(1, 3, 1), inner_relu=False, final_relu=False),
            relation=dict(type='RandomWalkPropagation', weight=0.5),
            layers=dict(type='TransformerEncoder', num_layers=3, layer=dict(type='EncoderLayer')),
        ),
    ),
    query_initializer=dict(
        type='SentenceSlotQueryInitializer',
        num_queries=30,
        slots=dict(type='SlotAttention', num_iters=5, hidden_dims=1024, num_layers=3),
    ),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=3,
        position=dict(type='AnchorQueryPosition'),
        refiner=dict(type='AnchorRefiner'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
    ),
    moment_head=dict(
        type='MomentHead',
        span=dict(type='AnchorSpanHead', anchors='refined'),
        logits=dict(type='ForegroundHead'),
    ),
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
            video_sentence=dict(type='VideoSentenceLoss', weight=0.5),
            clip_sentence=dict(type='ClipSentenceLoss', weight=0.5),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
