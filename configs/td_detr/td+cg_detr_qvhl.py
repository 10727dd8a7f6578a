# CG-DETR with both components of TD-DETR on QVHighlights: recipe of CG-DETR, for that of the paper is not public. Before
# training: build_similar_videos.py, see td+qd_detr_qvhl.py.
_base_ = ['../cg_detr/cg_detr_qvhl.py']
fusion = dict(
    _delete_=True,
    type='TemporalDynamicsFusion',
    beta=0.7,
    fusion=_base_.model.encoder.encoder.encoder.encoder.fusion,
)
model = dict(encoder=dict(encoder=dict(encoder=dict(encoder=dict(fusion=fusion)))))
partner = dict(type='SimilarVideoSampler', index='similar_videos.npz')
synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=partner)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=synthesis))))
del fusion, partner, synthesis  # only names of this file
