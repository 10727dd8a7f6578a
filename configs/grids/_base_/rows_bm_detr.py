# What the row of BM-DETR in rows_papers.py is made of: its components one by one, and frame attention that keeps the size of
# the clips, the default of composition (as printed, the weights of a video add up to one: its n clips shrink to about 1 / n).
rows = dict(
    query=dict(
        label='QD-DETR + negative query as printed',
        components=['bm.negative_query'],
        options={'bm.negative_query.attention': 'one'},
    ),
    shift=dict(label='QD-DETR + temporal shifting', components=['bm.temporal_shift']),
    sized=dict(
        label='both, clips keep their size',
        components=['bm.negative_query', 'bm.temporal_shift'],
    ),
)
seeds = [0, 1, 2]
