_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_seeds'
title = 'SA-DETR, table 12: five seeds (QVHighlights val)'
seeds = [0, 1, 2, 3, 2018]
rows = dict(
    moment_detr=dict(
        label='Moment-DETR',
        base='moment_detr/moment_detr_qvhl.py',
        published={'R1@0.5': '53.33 ± 1.4', 'R1@0.7': '34.16 ± 1.4', 'mAP': '31.18 ± 1.1'},
    ),
    qd_detr=dict(
        label='QD-DETR',
        base='qd_detr/qd_detr_qvhl.py',
        published={'R1@0.5': '61.94 ± 0.4', 'R1@0.7': '47.02 ± 1.0', 'mAP': '41.13 ± 0.5'},
    ),
    sa_detr=dict(label='SA-DETR', published={'R1@0.5': '66.02 ± 0.8', 'R1@0.7': '51.72 ± 0.8', 'mAP': '47.87 ± 0.6'}),
)
