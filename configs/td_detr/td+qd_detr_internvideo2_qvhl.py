# TD-DETR on QVHighlights with InternVideo2 features (2 s) and the words of a language model: the recipe of
# td+qd_detr_qvhl.py. Before training:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td+qd_detr_internvideo2_qvhl.py \
#     --out data/qvhl_internvideo2/similar_videos.npz
_base_ = [
    '../_base_/models/td_detr.py',
    '../_base_/datasets/qvhl_internvideo2.py',
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
