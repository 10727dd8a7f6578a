# What the tables of the TD-DETR paper on QVHighlights val have in common. The index of similar videos is built once
# before, see configs/td_detr/td+qd_detr_qvhl.py.
base = 'td_detr/td+qd_detr_qvhl.py'
source = 'the TD-DETR paper, its supplement or its poster'
seeds = [0, 1, 2018]
metrics = {
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mAP@0.5': 'MR-full-mAP@0.5',
    'mAP@0.75': 'MR-full-mAP@0.75',
    'mAP': 'MR-full-mAP',
}
