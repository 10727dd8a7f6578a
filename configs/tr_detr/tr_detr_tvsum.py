# TR-DETR on TVSum, one model per domain: --cfg-options domain=BT.
_base_ = [
    '../_base_/models/tr_detr.py',
    '../_base_/datasets/tvsum.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    # No moments are annotated: the decoder stays untrained, as in the official code.
    criterion=dict(
        assigner=None,
        losses=dict(span=None, giou=None, label=None, video_text=dict(weight=0.5), clip_local=dict(weight=2.0)),
    ),
)
train_cfg = dict(max_epochs=2000)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = dict(milestones=[2000])
default_hooks = dict(checkpoint=dict(save_best='HL-mAP'))
find_unused_parameters = True
