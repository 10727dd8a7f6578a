# UVCOM on part of Charades-STA with only CLIP features: trains on a CPU.
_base_ = [
    '../_base_/models/uvcom.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(sampler=dict(start_epoch=35), similarity=dict(hidden_dims=256)),
    query_initializer=dict(num_queries=10, slots=dict(hidden_dims=256)),
)
