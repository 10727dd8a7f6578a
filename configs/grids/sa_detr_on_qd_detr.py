_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_on_qd_detr'
title = 'SA-DETR, table 11: its components on QD-DETR (QVHighlights val)'
base = 'qd_detr/qd_detr_qvhl.py'
rows = dict(
    qd_detr=dict(label='QD-DETR', published={'R1@0.5': 62.52, 'R1@0.7': 46.84, 'mAP': 41.35}),
    anchor=dict(
        label='+ dynamic anchor',
        components=['sa.anchors', 'sa.init_loss'],
        published={'R1@0.5': 62.06, 'R1@0.7': 47.42, 'mAP': 42.09},
    ),
    gaussian=dict(
        label='+ Gaussian mask',
        components=['sa.anchors', 'sa.init_loss', 'sa.gaussian'],
        published={'R1@0.5': 62.0, 'R1@0.7': 48.13, 'mAP': 42.84},
    ),
)
