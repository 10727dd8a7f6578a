# FlashVTG (Cao et al., WACV 2025): the clips that CG-DETR's adaptive cross-attention fuses with the text become a pyramid;
# every point of it predicts a span, and scores are refined with those of all levels. Losses of the official code:
# loss_saliency = saliency_* + attention_*, loss_cls = foreground, loss_reg = offset, loss_sal = contrast, loss_label =
# clip_score; a data set's config sets the weights.
model = dict(
    type='PointDetector',
    shared=dict(
        embed_dims=256,
        num_heads=8,
        ffn_dims=1024,
        dropout=0.1,
        activation='prelu',
        drop_unit='sample',
        num_dummies=40,
        num_levels=4,
    ),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5, modality=dict(type='ModalityEmbedding')),
    encoder=dict(
        type='FeatureLayeringEncoder',
        pyramid=dict(type='ConvPyramid'),
        encoder=dict(
            type='SentencePoolEncoder',
            pool=dict(type='AttentionPool'),
            encoder=dict(
                type='DummyTokenEncoder',
                # Outside of what the options of the official code configure.
                layers=dict(
                    type='TransformerEncoder',
                    num_layers=2,
                    layer=dict(type='EncoderLayer', num_heads=8, dropout=0.1),
                    init='default',
                ),
                encoder=dict(
                    type='NegativePairEncoder',
                    sampler=dict(type='RollNegativeSampler'),
                    encoder=dict(
                        type='MeanTokenEncoder',
                        fusion=dict(
                            type='AdaptiveCrossFusion',
                            num_layers=6,
                            layer=dict(type='CrossEncoderLayer', cross_attn=dict(type='AdaptiveCrossAttention')),
                            init='truncated_normal',
                        ),
                        layers=dict(
                            type='TransformerEncoder',
                            num_layers=3,
                            layer=dict(type='EncoderLayer'),
                            init='truncated_normal',
                        ),
                    ),
                ),
            ),
        ),
    ),
    # Points at the start of their clips; a level takes spans whose farther end is 2^l to 2^(l + 1) clips away.
    point_generator=dict(type='PyramidPoints', offset=0.0, regression_range=2, sigma=1.0, max_length=100000),
    point_head=dict(
        type='PointHead',
        tower=dict(type='ConvTower', num_layers=1),
        score_tower=dict(type='ScoreTower', kernel_size=5, num_convs=1, num_layers=5),
        refine=dict(type='ScoreRefinement', tower=dict(type='ScoreTower', kernel_size=5, num_convs=1, num_layers=5)),
        activation='exp',
    ),
    saliency_head=dict(type='TokenSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(type='PointAssigner', center_radius=1.5, ends='closed', ranges='closed'),
        losses=dict(
            foreground=dict(type='PointFocalLoss', weight=5.0, normalizer='points', alpha=None, smoothing=0.0),
            offset=dict(type='PointOffsetLoss', weight=1.0),
            contrast=dict(
                type='ClipTextIntraLoss',
                weight=0.1,
                stage='levels',
                directions=('clips', 'batch'),
                positive='best',
                ties=True,
            ),
            clip_score=dict(type='ClipAwareScoreLoss', weight=4.0),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=0.8, margin=0.2),
            saliency_rank=dict(type='SaliencyRankLoss', weight=0.8),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=0.8),
            attention_margin=dict(type='SaliencyMarginLoss', weight=0.8, margin=0.2, scores='attention'),
            attention_rank=dict(type='SaliencyRankLoss', weight=0.8, scores='attention'),
            attention_negative=dict(type='SaliencyNegativeLoss', weight=0.8, scores='attention'),
            attention_clip=dict(type='ClipAttentionLoss', weight=0.8),
        ),
    ),
    postprocessor=dict(
        type='MomentPostProcessor', max_predictions=50, nms=dict(type='HardNMS', threshold=0.7, max_predictions=10)
    ),
)
