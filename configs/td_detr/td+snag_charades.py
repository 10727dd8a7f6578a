# SnAG with both components of TD-DETR on Charades-STA (I3D). The paths from clips and from their changes meet at every level of
# the pyramid, and a synthesized video is brought to 256 clips as every other. The recipe is that of SnAG, our decision.
# Before training:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td+snag_charades.py \
#     --out data/charades_snag/similar_videos.npz
_base_ = ['../snag/snag_charades.py']
_fusion = dict(_delete_=True, type='TemporalDynamicsFusion', beta=0.7, fusion=_base_.model.encoder.fusion)
model = dict(encoder=dict(fusion=_fusion))
_partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=_partner)
_pool = dict(type='ResampleClips', length=256)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis), pool=_pool)))
