# TD-DETR is QD-DETR with both of its components.
_base_ = ['./td+qd_detr_qvhl.py']
