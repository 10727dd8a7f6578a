# R2-Tuning (Liu et al., ECCV 2024): clips are refined with the last four layers of a frozen CLIP, one after another from the
# last on, and become a pyramid whose points predict spans. Losses of the official code: loss_cls = foreground, loss_reg =
# offset, loss_sal = contrast, loss_video_cal = video_calibration, loss_layer_cal = layer_calibration.
model = dict(
    type='PointDetector',
    shared=dict(
        embed_dims=256,
        num_heads=8,
        ffn_dims=1024,
        feature_layers=4,
        frame_tokens=50,
        num_levels=4,
    ),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LayerProjector', num_layers=2, input_dropout=0.5),
    encoder=dict(
        type='FeatureLayeringEncoder',
        pyramid=dict(type='ConvPyramid'),
        encoder=dict(
            type='LayerPoolEncoder',
            pool=dict(type='AttentionPool'),
            encoder=dict(
                type='FusionEncoder',
                fusion=dict(
                    type='RecurrentLayerFusion',
                    layer=dict(type='RefinementLayer', path_dropout=0.1),
                ),
            ),
        ),
    ),
    # Points at the start of their clips; a level takes spans whose farther end is 2^l to 2^(l + 1) clips away.
    point_generator=dict(type='PyramidPoints', offset=0.0, regression_range=2, sigma=1.0, max_length=100000),
    point_head=dict(type='PointHead', tower=dict(type='ConvTower', num_layers=1), activation='exp'),
    saliency_head=dict(type='LevelSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(type='PointAssigner', center_radius=1.5, ends='closed', ranges='closed'),
        losses=dict(
            foreground=dict(type='PointFocalLoss', weight=1.0, normalizer='points', alpha=None, smoothing=0.0),
            offset=dict(type='PointOffsetLoss', weight=0.2),
            contrast=dict(
                type='ClipTextIntraLoss', weight=0.1, stage='levels', directions=('clips', 'batch'), ties=True
            ),
            video_calibration=dict(type='LayerContrastLoss', weight=0.1, over='samples'),
            layer_calibration=dict(type='LayerContrastLoss', weight=0.1, over='layers'),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', max_predictions=50, nms=dict(type='HardNMS', threshold=0.7)),
)
