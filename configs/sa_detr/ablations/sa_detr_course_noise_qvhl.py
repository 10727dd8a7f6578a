# Table 8: the scale of negative noise shrinks to that of positive noise over the training.
_base_ = ['../sa_detr_qvhl.py']
model = dict(query_initializer=dict(noise=dict(contrastive='course')))
