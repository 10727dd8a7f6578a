# What the components of the three papers do to a model that finds the moment: QD-DETR with similarity as a stream and as
# anchors. `sa.anchors` is left out, since both say where the queries start.
_base_ = ['./_base_/joined_quarter.py']
name = 'evidence_joined_components'
title = 'Components on QD-DETR that receives similarity, on joined videos'
_sim = ['sim.stream', 'sim.anchors']
rows = dict(
    qd_both=dict(label='QD-DETR + similarity', components=_sim),
    dynamics=dict(label='+ TD-DETR: temporal dynamics', components=[*_sim, 'td.dynamics']),
    synthesizer=dict(label='+ TD-DETR: synthesizer', components=[*_sim, 'td.synthesizer']),
    # Every video has one sentence, so negatives come from other videos.
    negative=dict(
        label='+ BM-DETR: negative query',
        components=[*_sim, 'bm.negative_query'],
        options={'bm.negative_query.missing': 'other_video'},
    ),
    shift=dict(label='+ BM-DETR: temporal shifting', components=[*_sim, 'bm.temporal_shift']),
    gaussian=dict(label='+ SA-DETR: Gaussian mask', components=[*_sim, 'sa.gaussian']),
    noise=dict(label='+ SA-DETR: noise queries', components=[*_sim, 'sa.noise']),
)
