# QD-DETR with both components of TD-DETR on joined videos: trains on a CPU. Any other video is a partner: joins change
# from epoch to epoch, and with them what is similar.
_base_ = ['../qd_detr/qd_detr_msrvtt_joined.py']
_fusion = dict(_delete_=True, type='TemporalDynamicsFusion', beta=0.7, fusion=_base_.model.encoder.encoder.fusion)
model = dict(encoder=dict(encoder=dict(fusion=_fusion)))
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=dict(type='RandomVideoSampler'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
