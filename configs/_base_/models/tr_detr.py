# TR-DETR (Sun et al., AAAI 2024): local and global alignment losses, context-query attention before the text-to-video
# fusion, highlights that emphasise clips for retrieval (HD2MR), and the best moment that guides highlights (MR2HD).
_base_ = ['./dab_detr.py']
model = dict(
    encoder=dict(
        type='ReciprocalEncoder',
        fusion=dict(
            type='SequentialFusion',
            stages=dict(
                context=dict(type='ContextQueryFusion', dropout=0.1),
                text=dict(type='TextToVideoFusion', num_layers=2, layer=dict(type='CrossEncoderLayer')),
            ),
        ),
        layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
    ),
    saliency_head=dict(type='MomentGuidedSaliencyHead'),
    criterion=dict(
        losses=dict(
            label=dict(_delete_=True, type='FocalForegroundLoss', weight=4.0),
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            video_text=dict(type='VideoTextContrastiveLoss', weight=0.3, stage='before', learnable=False),
            clip_local=dict(type='ClipTextLocalLoss', weight=0.5, stage='before', sentence='unit_mean'),
        )
    ),
)
