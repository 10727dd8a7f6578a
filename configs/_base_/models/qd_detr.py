# QD-DETR (Moon et al., CVPR 2023): text into video by cross-attention, negative pairs, a saliency token, DAB anchors.
_base_ = ['./dab_detr.py']
model = dict(
    encoder=dict(
        type='NegativePairEncoder',
        sampler=dict(type='RollNegativeSampler'),
        encoder=dict(
            type='GlobalTokenEncoder',
            fusion=dict(type='TextToVideoFusion', num_layers=2, layer=dict(type='CrossEncoderLayer')),
            layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
        ),
    ),
    criterion=dict(
        losses=dict(
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
        )
    ),
)
