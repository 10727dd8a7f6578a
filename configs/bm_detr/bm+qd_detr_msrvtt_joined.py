# QD-DETR with the negative query of BM-DETR on joined videos; clips keep their size. Every video has one sentence, so
# negatives come from other videos. Moments are anywhere already, so none is shifted.
_base_ = ['../qd_detr/qd_detr_msrvtt_joined.py']
_encoder = dict(_delete_=True, type='FrameMatchEncoder', attention='clips', encoder=_base_.model.encoder)
model = dict(
    encoder=_encoder,
    criterion=dict(losses=dict(frame_guidance=dict(type='FrameGuidanceLoss', weight=2.0))),
)
_negative = dict(type='NegativeQuery', missing='other_video')
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(negative=_negative))))
