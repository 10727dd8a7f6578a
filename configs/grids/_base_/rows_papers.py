# QD-DETR against QD-DETR with the components of one paper at a time.
rows = dict(
    baseline=dict(label='QD-DETR'),
    td=dict(label='+ TD-DETR: synthesizer, temporal dynamics', components=['td.synthesizer', 'td.dynamics']),
    bm=dict(
        label='+ BM-DETR as printed: negative query, temporal shifting',
        components=['bm.negative_query', 'bm.temporal_shift'],
        options={'bm.negative_query.attention': 'one'},
    ),
    sa=dict(
        label='+ SA-DETR: predicted anchors, Gaussian mask, noise queries',
        components=['sa.anchors', 'sa.gaussian', 'sa.noise'],
    ),
)
seeds = [0, 1, 2]
