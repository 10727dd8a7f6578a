# BM-DETR on QVHighlights (SlowFast + CLIP), as published. Its 7218 training queries belong to 7100 videos, so that there
# are no queries of the same video to speak of: negatives are queries of other videos, our decision.
_base_ = [
    '../_base_/models/bm_detr.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery', missing='other_video', empty='other_video')),
            targets=dict(labels=dict(no_negative='ignore')),
        )
    ),
)
