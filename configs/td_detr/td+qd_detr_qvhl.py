# TD-DETR on QVHighlights (SlowFast + CLIP), as published; depths, rates and weights of the official script, which swaps
# the weights of L1 and gIoU against QD-DETR. Before training, once:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td_detr_qvhl.py --out data/qvhl/similar_videos.npz
_base_ = [
    '../_base_/models/td_detr.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e_step80.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(fusion=dict(fusion=dict(num_layers=4)), layers=dict(num_layers=4))),
    decoder=dict(num_layers=4),
    criterion=dict(
        assigner=dict(costs=dict(span=dict(weight=1.0), giou=dict(weight=10.0))),
        losses=dict(span=dict(weight=1.0), giou=dict(weight=10.0)),
    ),
    postprocessor=dict(round_to=2.0),
)
_partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=_partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
