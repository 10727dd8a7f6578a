# BAM-DETR outside of QVHighlights: highlights weigh 4.
_base_ = ['./bam_detr.py']
model = dict(
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0), saliency_rank=dict(weight=4.0), saliency_negative=dict(weight=4.0)
        )
    )
)
