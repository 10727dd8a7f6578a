# BM-DETR on TACoS (SlowFast + CLIP at 2 s). The paper uses C3D, and the repository has neither annotations nor
# settings: the recipe of Charades-STA, our decision. Few videos are short enough to be shifted: every sample and every
# view counts the same.
_base_ = [
    '../_base_/models/bm_detr_charades.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(criterion=dict(view_weights=None), postprocessor=dict(round_to=2.0))
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery'), shift=dict(type='ShiftMoment')),
            targets=dict(grid='clip_len', labels=dict(no_negative='ignore')),
        )
    ),
)
