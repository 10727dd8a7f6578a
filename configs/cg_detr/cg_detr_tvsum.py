# CG-DETR on TVSum, one model per domain: --cfg-options domain=BT. The scripts try one and two prompts:
# --cfg-options model.encoder.encoder.encoder.num_selected=2
_base_ = [
    '../_base_/models/cg_detr_highlights.py',
    '../_base_/datasets/tvsum.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(shared=dict(num_dummies=3))
train_cfg = dict(max_epochs=1000)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = dict(milestones=[2000])
default_hooks = dict(checkpoint=dict(save_best='HL-mAP'))
find_unused_parameters = True
