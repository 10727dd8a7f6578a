# BM-DETR on Charades-CD (I3D), as published, tested on the split that is distributed like training (test_iid).
_base_ = [
    '../_base_/models/bm_detr_charades.py',
    '../_base_/datasets/charades_cd.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=1.0))
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery'), shift=dict(type='ShiftMoment')),
            targets=dict(labels=dict(no_negative='ignore')),
        )
    ),
)
default_hooks = dict(checkpoint=dict(save_best='MR-full-R1@0.7'))
