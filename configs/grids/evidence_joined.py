_base_ = ['./_base_/joined.py']
name = 'evidence_joined'
title = 'Methods on joined videos, where position says nothing'
_half = {
    'model.shared.embed_dims': 128,
    'model.shared.ffn_dims': 256,
    'optim_wrapper.optimizer.lr': 4e-4,
    'param_scheduler.begin': 14,
    'param_scheduler.end': 20,
}
_snag = dict(
    base='snag/snag_msrvtt_joined.py',
    options={
        'model.shared.embed_dims': 128,
        'model.shared.text_embed_dims': 64,
        'param_scheduler.end': 4,
        'default_hooks.ema.momentum': 0.01,
    },
)
rows = dict(
    qd=dict(label='QD-DETR', options=_half),
    sa=dict(label='SA-DETR', base='sa_detr/sa_detr_msrvtt_joined.py', options=_half),
    snag=dict(_snag, label='SnAG'),
    snag_stream=dict(_snag, label='SnAG + similarity', components=['sim.stream']),
    mmn=dict(
        label='MMN',
        base='mmn/mmn_msrvtt_joined.py',
        options={
            'model.shared.embed_dims': 128,
            'model.shared.joint_dims': 128,
            'param_scheduler.milestones': [12, 17],
            'model.criterion.losses.vid.late_epoch': 14,
            'model.criterion.losses.sent.late_epoch': 14,
        },
    ),
    td=dict(label='TD-DETR on QD-DETR', base='td_detr/td+qd_detr_msrvtt_joined.py', options=_half),
    bm=dict(
        label='BM-DETR on QD-DETR, clips keep their size', base='bm_detr/bm+qd_detr_msrvtt_joined.py', options=_half
    ),
)
