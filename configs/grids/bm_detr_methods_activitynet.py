_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_methods_activitynet'
title = 'BM-DETR, table 5: methods (ActivityNet-Captions val)'
note = (
    'All with C3D. The table also prints 2D-TAN, VSLNet, DRN, CBLN, DeNet, SeqPAN, IVG-DCL, SSCS, GTR, EMB and G2L, '
    'which mmvmr does not have.'
)
options = dict(_delete_=True)
rows = dict(
    mmn=dict(label='MMN', base='mmn/mmn_activitynet.py', published={'R1@0.5': 48.59, 'R1@0.7': 29.26}),
    bm=dict(
        label='BM-DETR',
        base='bm_detr/bm_detr_c3d_activitynet.py',
        options={'train_dataloader.dataset.ann_file': 'activitynet_train_negatives.jsonl'},
        published={'R1@0.5': 50.23, 'R1@0.7': 30.88},
    ),
)
