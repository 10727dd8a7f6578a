# Table 8: noise queries without negatives.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    query_initializer=dict(noise=dict(contrastive='none')),
    criterion=dict(losses=dict(noise_quality=None)),
)
