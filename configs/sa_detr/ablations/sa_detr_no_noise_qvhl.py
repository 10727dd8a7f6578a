# Table 4 without DN: no noise queries.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    query_initializer=dict(noise=None),
    criterion=dict(losses=dict(noise_span=None, noise_giou=None, noise_quality=None)),
)
