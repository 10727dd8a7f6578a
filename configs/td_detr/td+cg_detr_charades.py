# CG-DETR with both components of TD-DETR on Charades-STA: recipe of CG-DETR, for that of the paper is not public. Before
# training: build_similar_videos.py, see td+qd_detr_charades.py.
_base_ = ['../cg_detr/cg_detr_charades.py']
_fusion = dict(
    _delete_=True,
    type='TemporalDynamicsFusion',
    beta=0.7,
    fusion=_base_.model.encoder.encoder.encoder.encoder.fusion,
)
model = dict(encoder=dict(encoder=dict(encoder=dict(encoder=dict(fusion=_fusion)))))
_partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=_partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
