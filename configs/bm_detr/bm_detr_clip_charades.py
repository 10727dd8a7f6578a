# BM-DETR on part of Charades-STA with only CLIP features: trains on a CPU. Recipe of the other methods on this set.
_base_ = [
    '../_base_/models/bm_detr_charades.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery'), shift=dict(type='ShiftMoment')),
            targets=dict(grid='clip_len', labels=dict(no_negative='ignore')),
        )
    ),
)
