# What the row of BM-DETR in evidence_synthetic.py is made of: its components one by one, and frame attention that keeps
# the size of the clips (as printed, the weights of a video add up to one, and its n clips shrink to about 1 / n).
_base_ = ['./evidence_synthetic.py']
name = 'evidence_synthetic_bm'
title = 'Components of BM-DETR one by one, on SyntheticMoments with correlated context'
rows = dict(
    _delete_=True,
    query=dict(label='QD-DETR + negative query', components=['bm.negative_query']),
    shift=dict(label='QD-DETR + temporal shifting', components=['bm.temporal_shift']),
    sized=dict(
        label='both, clips keep their size',
        components=['bm.negative_query', 'bm.temporal_shift'],
        options={'bm.negative_query.attention': 'clips'},
    ),
)
