# TD-DETR on Charades-STA (SlowFast + CLIP at 1 s), as published, with the recipe of the official script. Before training:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td+qd_detr_charades.py \
#     --out data/charades_sta/similar_videos.npz
_base_ = [
    '../_base_/models/td_detr_highlight4.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=1.0))
partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=synthesis))))
del partner, synthesis  # only names of this file
