# BM-DETR with the weights of Charades-STA and Charades-CD: the sample and its shifted view count half each.
_base_ = ['./bm_detr.py']
model = dict(
    criterion=dict(
        view_weights=dict(main=0.5, shift=0.5),
        losses=dict(saliency_margin=dict(weight=4.0), alignment=dict(weight=1.0)),
    ),
)
