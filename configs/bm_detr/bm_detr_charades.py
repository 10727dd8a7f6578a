# BM-DETR on Charades-STA (SlowFast + CLIP at 1 s), as published. Without neg_query_ids in the annotations negatives are
# chosen by IoU alone: write them with tools/dataset_converters/mine_negative_queries.py and set
# train_dataloader.dataset.ann_file.
_base_ = [
    '../_base_/models/bm_detr_charades.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=1.0))
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        pipeline=dict(
            augment=dict(negative=dict(type='NegativeQuery'), shift=dict(type='ShiftMoment')),
            targets=dict(grid='clip_len', labels=dict(no_negative='ignore')),
        )
    ),
)
default_hooks = dict(checkpoint=dict(save_best='MR-full-R1@0.7'))
