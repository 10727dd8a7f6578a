# UVCOM (Xiao et al., CVPR 2024): cross-attention both ways, EM clusters of both modalities, a random walk over them,
# local and global context, query content from slots, similarities of videos, clips and sentences.
_base_ = ['./dab_detr.py']
model = dict(
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
        _delete_=True,
        type='SentenceSlotQueryInitializer',
        num_queries=30,
        slots=dict(type='SlotAttention', num_iters=5, hidden_dims=1024, num_layers=3),
    ),
    decoder=dict(num_layers=3),
    moment_head=dict(span=dict(anchors='refined')),
    criterion=dict(
        losses=dict(
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
            video_sentence=dict(type='VideoSentenceLoss', weight=0.5),
            clip_sentence=dict(type='ClipSentenceLoss', weight=0.5),
        )
    ),
)
