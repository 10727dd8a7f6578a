_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_methods_tacos'
title = 'BM-DETR, table 3: methods (TACoS test)'
metrics = dict(_delete_=True, **{'R1@0.3': 'MR-full-R1@0.3', 'R1@0.5': 'MR-full-R1@0.5'})
note = (
    'All with C3D. The table also prints 2D-TAN, VSLNet, DRN, CBLN, SeqPAN, FVMR, GTR, IVG-DCL, SSCS, G2L and '
    'MomentDiff, which mmvmr does not have.'
)
options = dict(_delete_=True)
rows = dict(
    mmn=dict(label='MMN', base='mmn/mmn_tacos.py', published={'R1@0.3': 39.24, 'R1@0.5': 26.17}),
    bm=dict(
        label='BM-DETR',
        base='bm_detr/bm_detr_c3d_tacos.py',
        options={'train_dataloader.dataset.ann_file': 'tacos_train_negatives.jsonl'},
        published={'R1@0.3': 50.31, 'R1@0.5': 35.42},
    ),
)
