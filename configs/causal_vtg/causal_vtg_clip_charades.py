# CausalVTG on part of Charades-STA with only CLIP features: trains on a CPU.
_base_ = [
    '../_base_/models/causal_vtg.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(criterion=dict(losses=dict(contrast=dict(weight=0.01))))
