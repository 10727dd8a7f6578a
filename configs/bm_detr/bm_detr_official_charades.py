# BM-DETR on Charades-STA exactly as the official code runs it; see bm_detr_official_qvhl.py. Shifted windows are a clip too
# short, never reach the end of the video, and their clips carry old temporal endpoint features.
_base_ = [
    '../_base_/models/bm_detr_official.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(
        view_weights=dict(main=0.5, shift=0.5),
        losses=dict(saliency_margin=dict(weight=4.0), alignment=dict(weight=1.0)),
    ),
    postprocessor=dict(scale='duration', longest=75, clamp=(0, 75), round_to=1, half_saliency=True),
)
_shift = dict(clips='labelled', reach='before_end', window='clip_indices', tef='kept', full='keep')
train_dataloader = dict(
    batch_sampler=dict(type='VideoBatchSampler', repeats='drop'),
    dataset=dict(
        feature_spec=dict(max_clips=75),
        annotations=dict(whole='drop'),
        pipeline=dict(
            augment=dict(
                negative=dict(type='NegativeQuery', missing='other_video', empty='other_video'),
                shift=dict(_shift, type='ShiftMoment', max_duration=None),
            ),
            targets=dict(grid='clip_len', short='preceding', beyond='keep', labels=dict(no_negative='first')),
        ),
    ),
)
val_dataloader = dict(dataset=dict(feature_spec=dict(max_clips=75), annotations=dict(whole='drop')))
test_dataloader = val_dataloader
default_hooks = dict(checkpoint=dict(save_best='MR-full-R1@0.7'))
