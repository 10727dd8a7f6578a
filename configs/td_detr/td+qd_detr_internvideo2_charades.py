# TD-DETR on Charades-STA with InternVideo2 features (1 s) and the words of a language model: the recipe of
# td+qd_detr_charades.py. Before training:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td+qd_detr_internvideo2_charades.py \
#     --out data/charades_internvideo2/similar_videos.npz
_base_ = [
    '../_base_/models/td_detr.py',
    '../_base_/datasets/charades_internvideo2.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(fusion=dict(fusion=dict(num_layers=3)), layers=dict(num_layers=3))),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(round_to=1.0),
)
_partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=_partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
