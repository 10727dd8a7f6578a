# What the tables of the SA-DETR paper on QVHighlights val have in common.
base = 'sa_detr/sa_detr_qvhl.py'
source = 'the SA-DETR paper'
seeds = [0, 1, 2018]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7', 'mAP': 'MR-full-mAP'}
