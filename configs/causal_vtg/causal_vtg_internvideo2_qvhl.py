# CausalVTG on QVHighlights with InternVideo2 features: otherwise as with SlowFast + CLIP.
_base_ = [
    '../_base_/models/causal_vtg.py',
    '../_base_/datasets/qvhl_internvideo2.py',
    '../_base_/schedules/schedule_200e_warmup500_step120.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
_targets = dict(max_windows=1000, min_window=2.0)  # all of them, none shorter than a clip
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=dict(targets=_targets)))
