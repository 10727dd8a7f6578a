# CausalVTG on Charades-STA with InternVideo2 features (1 s): weights and rates of the official config.
_base_ = [
    '../_base_/models/causal_vtg.py',
    '../_base_/datasets/charades_internvideo2.py',
    '../_base_/schedules/schedule_50e_warmup500_step30.py',
    '../_base_/default_runtime.py',
]
model = dict(criterion=dict(losses=dict(contrast=dict(weight=0.01))), postprocessor=dict(round_to=0.1))
_targets = dict(max_windows=1000, min_window=1.0)  # all of them, none shorter than a clip
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=dict(targets=_targets)))
