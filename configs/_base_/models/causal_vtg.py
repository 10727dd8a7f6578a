# CausalVTG (Wang et al., NeurIPS 2025): clips and text tokens attend to prototypes of all videos and sentences (front-door
# adjustment), are fused, and become the pyramid of R2-Tuning; a relevance head learns from videos of other samples.
# Losses of the official code: loss_cls = foreground, loss_reg = offset, loss_sal = contrast, loss_neg = existence.
model = dict(
    type='PointDetector',
    shared=dict(embed_dims=256, num_heads=8, ffn_dims=1024, dropout=0.1, num_levels=4),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(
        type='FrontDoorProjector',
        num_prototypes=256,
        projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5),
    ),
    encoder=dict(
        type='FeatureLayeringEncoder',
        pyramid=dict(type='ConvPyramid'),
        encoder=dict(
            type='SentencePoolEncoder',
            pool=dict(type='AttentionPool'),
            encoder=dict(
                type='MismatchedVideoEncoder',
                samplers=dict(next=dict(type='NextVideoSampler'), similar=dict(type='SimilarSentenceSampler')),
                encoder=dict(
                    type='FusionEncoder',
                    fusion=dict(
                        type='SequentialFusion',
                        stages=dict(
                            context_query=dict(type='ContextQueryAttention', dropout=0.5),
                            refinement=dict(
                                type='RefinementFusion', layer=dict(type='RefinementLayer', path_dropout=0.1)
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
    # Points at the start of their clips; a level takes spans whose farther end is 2^l to 2^(l + 1) clips away.
    point_generator=dict(type='PyramidPoints', offset=0.0, regression_range=2, sigma=1.0, max_length=100000),
    point_head=dict(type='PointHead', tower=dict(type='ConvTower', num_layers=1), activation='exp'),
    saliency_head=dict(type='LevelSaliencyHead'),
    existence_head=dict(type='RelevanceHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(type='PointAssigner', center_radius=1.5, ends='closed', ranges='closed'),
        losses=dict(
            foreground=dict(type='PointFocalLoss', weight=1.0, normalizer='points', alpha=None, smoothing=0.0),
            offset=dict(type='PointOffsetLoss', weight=0.2),
            contrast=dict(
                type='ClipTextIntraLoss', weight=0.1, stage='levels', directions=('clips', 'batch'), ties=True
            ),
            existence=dict(type='ExistenceLoss', weight=0.1),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', max_predictions=50, nms=dict(type='HardNMS', threshold=0.7)),
)
