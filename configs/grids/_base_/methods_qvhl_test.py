# Methods on QVHighlights test, scored with the ground truth that was published when the server closed. The checkpoint is
# chosen on val.
base = 'qd_detr/qd_detr_qvhl.py'
seeds = [0, 1, 2018]
splits = dict(test={'test_dataloader.dataset.ann_file': 'highlight_test_with_gt.jsonl'})
metrics = {
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mAP@0.5': 'MR-full-mAP@0.5',
    'mAP@0.75': 'MR-full-mAP@0.75',
    'mAP': 'MR-full-mAP',
}
