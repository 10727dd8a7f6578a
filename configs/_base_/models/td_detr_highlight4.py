# TD-DETR outside of QVHighlights: highlights weigh 4, and encoder and decoder have 3 layers.
_base_ = ['./td_detr.py']
model = dict(
    encoder=dict(encoder=dict(fusion=dict(fusion=dict(num_layers=3)), layers=dict(num_layers=3))),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0), saliency_rank=dict(weight=4.0), saliency_negative=dict(weight=4.0)
        )
    ),
)
