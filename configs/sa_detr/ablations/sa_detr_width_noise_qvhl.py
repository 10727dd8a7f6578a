# Not in the paper: the center moves in proportion to the width (DN-DETR).
_base_ = ['../sa_detr_qvhl.py']
model = dict(query_initializer=dict(noise=dict(center_noise='width')))
