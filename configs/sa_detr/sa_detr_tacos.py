# SA-DETR on TACoS (SlowFast + CLIP at 2 s), second row of table 9 of the paper: no alignment losses.
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
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
    decoder=dict(layer=dict(enhance=dict(num_points=15))),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
