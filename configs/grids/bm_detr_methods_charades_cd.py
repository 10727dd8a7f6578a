_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_methods_charades_cd'
title = 'BM-DETR, table 6: methods (Charades-CD test-ood)'
splits = dict(ood={'test_dataloader.dataset.ann_file': 'test_ood.jsonl'})
note = (
    'All with I3D; Moment-DETR was trained by the authors of BM-DETR. The table also prints 2D-TAN, LG, DRN, VSLNet, DCM '
    'and Shuffling, which mmvmr does not have.'
)
options = dict(_delete_=True)
rows = dict(
    moment=dict(
        label='Moment-DETR',
        base='moment_detr/moment_detr_charades_cd.py',
        published={'R1@0.5': 46.84, 'R1@0.7': 19.67},
    ),
    bm=dict(
        label='BM-DETR',
        base='bm_detr/bm_detr_charades_cd.py',
        options={'train_dataloader.dataset.ann_file': 'train_negatives.jsonl'},
        published={'R1@0.5': 55.02, 'R1@0.7': 29.52},
    ),
)
