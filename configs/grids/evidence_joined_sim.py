_base_ = ['./_base_/joined_quarter.py']
name = 'evidence_joined_sim'
title = 'Similarity as a component, on joined videos'
_sa = 'sa_detr/sa_detr_msrvtt_joined.py'
_cca = {'sim.stream.kind': 'cca', 'sim.anchors.kind': 'cca', 'sim.anchors.boundary': 1.0}
rows = dict(
    qd=dict(label='QD-DETR'),
    qd_both=dict(label='+ stream, anchors', components=['sim.stream', 'sim.anchors']),
    qd_stream=dict(label='+ stream', components=['sim.stream']),
    qd_anchors=dict(label='+ anchors', components=['sim.anchors']),
    qd_bias=dict(label='+ attention bias', components=['sim.bias']),
    qd_all=dict(label='+ stream, anchors, bias', components=['sim.stream', 'sim.anchors', 'sim.bias']),
    qd_changes=dict(
        label='+ stream, anchors (CCA, scene changes)',
        components=['sim.stream', 'sim.anchors'],
        options=_cca,
    ),
    sa=dict(base=_sa, label='SA-DETR'),
    sa_stream=dict(base=_sa, label='SA-DETR + stream', components=['sim.stream']),
    sa_both=dict(base=_sa, label='SA-DETR + stream, anchors', components=['sim.stream', 'sim.anchors']),
    sa_changes=dict(
        label='SA-DETR + stream, anchors (CCA, scene changes)',
        base=_sa,
        components=['sim.stream', 'sim.anchors'],
        options=_cca,
    ),
)
