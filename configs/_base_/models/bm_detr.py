# BM-DETR (Jung et al., WACV 2025): clips weighed by the probability that they match the sentence and not a negative one,
# learnable spans, alignment of pooled clips and words. As published; bm_detr_official_*.py have what the official code
# does otherwise. Weights are those of QVHighlights.
_base_ = ['./dab_detr.py']
model = dict(
    encoder=dict(
        type='FrameMatchEncoder',
        encoder=dict(
            type='JointEncoder',
            layers=dict(
                type='TransformerEncoder',
                num_layers=3,
                layer=dict(type='EncoderLayer'),
                position_scale=dict(type='ContentScale'),
            ),
        ),
    ),
    decoder=dict(num_layers=3, refiner=None),
    saliency_head=dict(type='LinearSaliencyHead'),
    criterion=dict(
        assigner=dict(costs=dict(span=dict(weight=1.0), giou=dict(weight=8.0), label=dict(weight=8.0))),
        losses=dict(
            span=dict(weight=1.0, final_only=True),
            giou=dict(weight=8.0, final_only=True),
            label=dict(weight=8.0, final_only=True),
            frame_guidance=dict(type='FrameGuidanceLoss', weight=2.0),
            alignment=dict(type='PooledAlignmentLoss', weight=3.0),
        ),
    ),
)
