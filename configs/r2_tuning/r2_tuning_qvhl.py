# R2-Tuning on QVHighlights (four layers of CLIP ViT-B/32): sizes, weights and rates of the official configs.
_base_ = [
    '../_base_/models/r2_tuning.py',
    '../_base_/datasets/qvhl_clip_layers.py',
    '../_base_/schedules/schedule_120e_warmup500_step80.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
_targets = dict(max_windows=1000, min_window=2.0)  # all of them, none shorter than a clip
train_dataloader = dict(batch_size=128, dataset=dict(pipeline=dict(targets=_targets)))
