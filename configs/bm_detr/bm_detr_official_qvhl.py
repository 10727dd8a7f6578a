# BM-DETR on QVHighlights exactly as the official code runs it: random queries of other videos as negatives, indices of
# videos that a batch has already are dropped, windows are placed on the annotated duration and cut to 150 s.
_base_ = [
    '../_base_/models/bm_detr_official.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(scale='duration', longest=150, clamp=(0, 150), round_to=2, half_saliency=True))
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler', repeats='drop'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery', missing='other_video', empty='other_video')),
            targets=dict(short='preceding', beyond='keep'),
        )
    ),
)
