# BM-DETR on Charades-CD, tested where moments are elsewhere than in training (test_ood). Training is the same.
_base_ = ['./bm_detr_charades_cd.py']
test_dataloader = dict(dataset=dict(ann_file='test_ood.jsonl'))
