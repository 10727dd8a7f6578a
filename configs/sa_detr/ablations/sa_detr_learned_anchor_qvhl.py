# Tables 4 and 5 without QI: anchors are parameters, without L_init.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    query_initializer=dict(direct=dict(_delete_=True, type='LearnedAnchorQueryInitializer', num_queries=10)),
    criterion=dict(losses=dict(init_span=None, init_giou=None)),
)
