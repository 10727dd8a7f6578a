# QD-DETR with an existence head on QV-M2 (several moments), with false premises.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/qv_m2.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    existence_head=dict(type='ExistenceHead'),
    criterion=dict(losses=dict(existence=dict(type='ExistenceLoss', weight=1.0))),
    postprocessor=dict(round_to=2.0),
)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(false_premise=dict(type='FalsePremise')))))
