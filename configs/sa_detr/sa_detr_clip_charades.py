# SA-DETR on part of Charades-STA with CLIP features alone, trains on a CPU. Settings of the SlowFast + CLIP row.
_base_ = [
    '../_base_/models/sa_detr_no_align.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    projector=dict(video_dims=514, text_dims=384),
    decoder=dict(layer=dict(enhance=dict(num_points=15))),
)
