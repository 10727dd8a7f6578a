# BAM-DETR on part of Charades-STA with CLIP features alone: trains on a CPU. Recipe of the other methods on this set,
# our decision.
_base_ = [
    '../_base_/models/bam_detr_highlight4.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(projector=dict(video_dims=514, text_dims=384))
