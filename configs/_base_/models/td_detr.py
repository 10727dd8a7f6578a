# TD-DETR (Zhou et al., ICCV 2025) as published: QD-DETR with a second path from differences of clips to the words. The
# other half of the method, synthesized videos, is an augmentation: see the data of configs/td_detr.
_base_ = ['./qd_detr.py']
model = dict(
    encoder=dict(
        encoder=dict(
            fusion=dict(
                _delete_=True,
                type='TemporalDynamicsFusion',
                beta=0.7,
                fusion=_base_.model.encoder.encoder.fusion,
            )
        )
    )
)
