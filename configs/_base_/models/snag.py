# SnAG (Mu et al., CVPR 2024): a video is encoded once into a pyramid, every sentence is fused with all of its levels, and
# every point of every level predicts a span. Sizes are those of Charades-STA with C3D features.
model = dict(
    type='PointDetector',
    shared=dict(embed_dims=256, text_embed_dims=128, num_heads=4, dropout=0.1, input_stride=1),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(
        type='PlainProjector',
    ),
    encoder=dict(
        type='LateFusionEncoder',
        video=dict(type='PyramidEncoder', arch=(2, 1, 6), window=5, max_length=256),
        text=dict(type='TextTransformer', num_layers=5, max_length=16),
        fusion=dict(type='ModulatedCrossFusion', num_layers=2, mode='affine'),
    ),
    point_generator=dict(type='PyramidPoints', offset=0.5, regression_range=8, sigma=0.5, max_length=256),
    point_head=dict(type='PointHead', tower=dict(type='ConvTower', norm=True), num_levels=6),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(type='PointAssigner', center_radius=1.5),
        losses=dict(
            foreground=dict(type='PointFocalLoss', normalizer=dict(type='MovingCount', initial=400)),
            span=dict(type='SpanIoULoss', sets=('point',), normalizer=dict(type='MovingCount', initial=400)),
        ),
    ),
    postprocessor=dict(
        type='PointPostProcessor',
        decimals=None,
        min_score=0.001,
        pre_topk=2000,
        min_width=0.1,
        nms=dict(type='SoftNMS', threshold=0.0, sigma=0.9, min_score=0.001, max_predictions=5, keep_best=True),
        vote=dict(type='SegmentVoting', threshold=0.95),
    ),
)
