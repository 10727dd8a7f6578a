# SA-DETR, half as wide, on the embedded synthetic data: minutes on two CPU cores.
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/schedule_quick.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=128, ffn_dims=256),
    projector=dict(input_dropout=0.1),
    # Every group costs decoder time; two are enough here.
    query_initializer=dict(noise=dict(num_groups=2)),
    # w_q as on TACoS and Charades-STA. With 1, most queries miss, the median of their IoU is 0, an absolute error is
    # smallest at the median: the quality becomes 0 for all queries in a few hundred steps, and the ranking chance.
    criterion=dict(losses=dict(quality=dict(matched_weight=10.0))),
)
