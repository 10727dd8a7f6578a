# Figure 6: eight noise groups.
_base_ = ['../sa_detr_qvhl.py']
model = dict(query_initializer=dict(noise=dict(num_groups=8)))
