# R2-Tuning on Charades-STA (four layers of CLIP ViT-B/32 at 1 s): weights and rates of the official config.
_base_ = [
    '../_base_/models/r2_tuning.py',
    '../_base_/datasets/charades_clip_layers.py',
    '../_base_/schedules/schedule_50e_warmup500_step30.py',
    '../_base_/default_runtime.py',
]
model = dict(
    projector=dict(input_dropout=0.35),
    criterion=dict(losses=dict(contrast=dict(weight=0.01))),
    postprocessor=dict(nms=dict(_delete_=True, type='SoftNMS', threshold=0.0, decay='linear'), round_to=0.1),
)
train_dataloader = dict(dataset=dict(pipeline=dict(targets=dict(max_windows=1000, min_window=1.0))))
