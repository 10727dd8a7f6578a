# SnAG with both components of TD-DETR on QVHighlights; see td+snag_charades.py. Before training:
# python tools/analysis_tools/build_similar_videos.py configs/td_detr/td+snag_qvhl.py --out data/qvhl/similar_videos.npz
_base_ = ['../snag/snag_qvhl.py']
_fusion = dict(_delete_=True, type='TemporalDynamicsFusion', beta=0.7, fusion=_base_.model.encoder.fusion)
model = dict(encoder=dict(fusion=_fusion))
_partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=_partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
