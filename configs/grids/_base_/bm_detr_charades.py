# What the tables of the BM-DETR paper on Charades-STA have in common. The test split is the one that the checkpoint is
# chosen on, as in the official script.
base = 'bm_detr/bm_detr_charades.py'
source = 'the BM-DETR paper'
seeds = [0, 1, 2018]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7'}
