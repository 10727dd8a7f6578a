_base_ = ['./_base_/joined.py']
name = 'evidence_joined_sim'
title = 'Similarity as a component, on joined videos'
# A quarter of the width, so that a cell takes minutes on a busy CPU.
_small = {
    'model.shared.embed_dims': 64,
    'model.shared.num_heads': 4,
    'model.shared.ffn_dims': 128,
    'optim_wrapper.optimizer.lr': 1e-3,
    'train_cfg.max_epochs': 12,
    'train_cfg.val_interval': 12,
    'param_scheduler.begin': 8,
    'param_scheduler.end': 12,
}
_qd = dict(options=_small)
_sa = dict(base='sa_detr/sa_detr_msrvtt_joined.py', options=_small)
_cca = {'sim.stream.kind': 'cca', 'sim.anchors.kind': 'cca', 'sim.anchors.boundary': 1.0}
rows = dict(
    qd=dict(_qd, label='QD-DETR'),
    qd_both=dict(_qd, label='+ stream, anchors', components=['sim.stream', 'sim.anchors']),
    qd_stream=dict(_qd, label='+ stream', components=['sim.stream']),
    qd_anchors=dict(_qd, label='+ anchors', components=['sim.anchors']),
    qd_bias=dict(_qd, label='+ attention bias', components=['sim.bias']),
    qd_all=dict(_qd, label='+ stream, anchors, bias', components=['sim.stream', 'sim.anchors', 'sim.bias']),
    qd_changes=dict(
        label='+ stream, anchors (CCA, scene changes)',
        components=['sim.stream', 'sim.anchors'],
        options={**_small, **_cca},
    ),
    sa=dict(_sa, label='SA-DETR'),
    sa_stream=dict(_sa, label='SA-DETR + stream', components=['sim.stream']),
    sa_both=dict(_sa, label='SA-DETR + stream, anchors', components=['sim.stream', 'sim.anchors']),
    sa_changes=dict(
        label='SA-DETR + stream, anchors (CCA, scene changes)',
        base='sa_detr/sa_detr_msrvtt_joined.py',
        components=['sim.stream', 'sim.anchors'],
        options={**_small, **_cca},
    ),
)
