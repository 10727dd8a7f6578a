# QD-DETR on Charades-STA with InternVideo2 features (1 s) and the words of a language model: the recipe of
# qd_detr_charades.py.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/charades_internvideo2.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(round_to=1.0),
)
