# SnAG: the features are not stated; the configs take I3D.
_base_ = ['./_base_/td_detr_charades.py']
name = 'td_detr_generalization_charades'
title = 'TD-DETR, poster: other baselines (Charades-STA test)'
rows = dict(
    cg=dict(label='CG-DETR', base='cg_detr/cg_detr_charades.py', published={'R1@0.5': 58.40, 'R1@0.7': 36.30}),
    td_cg=dict(
        label='TD w/ CG-DETR', base='td_detr/td+cg_detr_charades.py', published={'R1@0.5': 59.35, 'R1@0.7': 37.84}
    ),
    bam=dict(label='BAM-DETR', base='bam_detr/bam_detr_charades.py', published={'R1@0.5': 59.95, 'R1@0.7': 39.38}),
    td_bam=dict(
        label='TD w/ BAM-DETR', base='td_detr/td+bam_detr_charades.py', published={'R1@0.5': 60.92, 'R1@0.7': 40.25}
    ),
    snag=dict(label='SnAG', base='snag/snag_charades.py', published={'R1@0.5': 65.72, 'R1@0.7': 37.32}),
    td_snag=dict(label='TD w/ SnAG', base='td_detr/td+snag_charades.py', published={'R1@0.5': 70.14, 'R1@0.7': 42.35}),
    qd=dict(label='QD-DETR', base='qd_detr/qd_detr_charades.py', published={'R1@0.5': 57.31, 'R1@0.7': 32.55}),
    td_qd=dict(
        label='TD w/ QD-DETR', base='td_detr/td+qd_detr_charades.py', published={'R1@0.5': 60.89, 'R1@0.7': 40.35}
    ),
)
