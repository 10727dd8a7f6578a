# UniVTG (Lin et al., ICCV 2023): every clip predicts a score, the distances to start and end, and a highlight score.
model = dict(
    type='PointDetector',
    shared=dict(embed_dims=1024, num_heads=8, ffn_dims=1024, dropout=0.0, activation='gelu'),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(
        type='LinearProjector',
        num_layers=2,
        input_dropout=0.5,
        modality=dict(type='ModalityEmbedding'),
    ),
    encoder=dict(
        type='SentencePoolEncoder',
        encoder=dict(
            type='JointEncoder',
            layers=dict(
                type='TransformerEncoder',
                num_layers=4,
                layer=dict(type='EncoderLayer', drop_unit='sample', path_dropout=0.1, ffn_dropout=0.0),
            ),
        ),
        pool=dict(type='AttentionPool'),
    ),
    point_generator=dict(type='PyramidPoints', offset=0.5),
    point_head=dict(type='PointHead', tower=dict(type='ConvTower'), activation='sigmoid', unit='video'),
    saliency_head=dict(type='CosineSaliencyHead', score='sum'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(type='PointAssigner', ends='closed', overlap='last', fallback=True),
        losses=dict(
            foreground=dict(type='PointForegroundLoss', weight=10.0, background_weight=0.1),
            span=dict(type='SpanL1Loss', weight=10.0, sets=('point',), windows=True, beta=1.0, coordinates='sum'),
            giou=dict(type='SpanGIoULoss', weight=1.0, sets=('point',)),
            clip_intra=dict(type='ClipTextIntraLoss', weight=0.1, stage='before', sentence='token'),
            clip_inter=dict(type='ClipTextInterLoss', weight=0.1, stage='before', sentence='token'),
        ),
    ),
    postprocessor=dict(
        type='MomentPostProcessor', max_predictions=1000, nms=dict(type='HardNMS', threshold=0.7, max_predictions=10)
    ),
)
