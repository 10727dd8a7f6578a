# Table 5: dynamic anchors without L_init.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    query_initializer=dict(direct=dict(supervise_init=False)),
    criterion=dict(losses=dict(init_span=None, init_giou=None)),
)
