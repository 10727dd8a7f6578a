# SA-DETR on part of Charades-STA with only CLIP features, trains on a CPU. Settings of the SlowFast + CLIP row.
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
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
