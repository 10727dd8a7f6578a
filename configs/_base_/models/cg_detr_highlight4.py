# CG-DETR as its scripts run it outside of QVHighlights: two prompts make the saliency token, highlights weigh 4.
_base_ = ['./cg_detr.py']
model = dict(
    encoder=dict(encoder=dict(encoder=dict(encoder=dict(num_selected=2)))),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
            attention_margin=dict(weight=4.0),
            attention_rank=dict(weight=4.0),
            attention_negative=dict(weight=4.0),
            attention_clip=dict(weight=4.0),
        )
    ),
)
