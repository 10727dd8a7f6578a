# SA-DETR as table 9 of the paper sets it outside of QVHighlights: no alignment losses, matched qualities weigh 10,
# highlights weigh 4.
_base_ = ['./sa_detr.py']
model = dict(
    criterion=dict(
        losses=dict(
            quality=dict(matched_weight=10.0),
            video_text=None,
            clip_local=None,
            clip_intra=None,
            clip_inter=None,
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
)
