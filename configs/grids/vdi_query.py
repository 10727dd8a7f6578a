_base_ = ['./_base_/vdi_charades_cg.py']
name = 'vdi_query'
title = 'VDI, table 4: what is injected into (Charades-CG, novel words)'

rows = dict(
    sentence=dict(
        label='Q, the whole sentence',
        options={f'model.criterion.losses.{name}.inject': 'sentence' for name in ('visual_context', 'spatial_dynamic')},
        published={'R1@0.5': 44.89, 'R1@0.7': 26.04, 'mIoU': 39.52},
    ),
    dynamic=dict(label='Q^d, words of change', published={'R1@0.5': 46.47, 'R1@0.7': 28.63, 'mIoU': 41.60}),
)
