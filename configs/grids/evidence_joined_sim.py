_base_ = ['./_base_/joined.py']
name = 'evidence_joined_sim'
title = 'Similarity as a component, on joined videos'
_small = {
    'model.shared.embed_dims': 128,
    'model.shared.ffn_dims': 256,
    'optim_wrapper.optimizer.lr': 4e-4,
    'param_scheduler.begin': 14,
    'param_scheduler.end': 20,
}
_qd = dict(options=_small)
_sa = dict(base='sa_detr/sa_detr_msrvtt_joined.py', options=_small)
rows = dict(
    qd=dict(_qd, label='QD-DETR'),
    qd_both=dict(_qd, label='+ stream, anchors', components=['sim.stream', 'sim.anchors']),
    qd_stream=dict(_qd, label='+ stream', components=['sim.stream']),
    qd_anchors=dict(_qd, label='+ anchors', components=['sim.anchors']),
    qd_bias=dict(_qd, label='+ attention bias', components=['sim.bias']),
    qd_all=dict(_qd, label='+ stream, anchors, bias', components=['sim.stream', 'sim.anchors', 'sim.bias']),
    sa=dict(_sa, label='SA-DETR'),
    sa_stream=dict(_sa, label='SA-DETR + stream', components=['sim.stream']),
)
