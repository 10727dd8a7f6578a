# What the tables of the TD-DETR paper on Charades-STA have in common. The test split is the one that the checkpoint is
# chosen on, as in the official script. The index of similar videos is built once before, see the base config.
base = 'td_detr/td+qd_detr_charades.py'
source = 'the TD-DETR paper, its supplement or its poster'
seeds = [0, 1, 2018]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7'}
