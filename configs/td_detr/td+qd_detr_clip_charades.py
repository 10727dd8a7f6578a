# QD-DETR with both components of TD-DETR on part of Charades-STA with only CLIP features: trains on a CPU. Depth and
# recipe are those of qd_detr_clip_charades.py, so that the two can be compared.
_base_ = ['../qd_detr/qd_detr_clip_charades.py']
_fusion = dict(_delete_=True, type='TemporalDynamicsFusion', beta=0.7, fusion=_base_.model.encoder.encoder.fusion)
model = dict(encoder=dict(encoder=dict(fusion=_fusion)))
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=dict(type='SimilarVideoSampler'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
