# CausalVTG on QVHighlights (SlowFast + CLIP): weights and rates of the official config, whose epoch goes four times over the
# data.
_base_ = [
    '../_base_/models/causal_vtg.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_warmup500_step120.py',
    '../_base_/default_runtime.py',
]
# CLIP before SlowFast, as the official checkpoints read them.
feature_spec = dict(streams=dict(_delete_=True, clip=dict(dim=512), slowfast=dict(dim=2304)))
model = dict(postprocessor=dict(round_to=2.0))
_targets = dict(max_windows=1000, min_window=2.0)  # all of them, none shorter than a clip
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=dict(targets=_targets)))
