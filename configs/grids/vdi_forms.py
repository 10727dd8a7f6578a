_base_ = ['./_base_/vdi_charades_cg.py']
name = 'vdi_forms'
title = 'VDI, table 3: consistent and relational losses (Charades-CG, novel words)'

_losses = 'model.criterion.losses'
rows = dict(
    con_rel=dict(label='L_vc consistent, L_sd relational', published={'R1@0.5': 46.47, 'R1@0.7': 28.63, 'mIoU': 41.60}),
    con_con=dict(
        label='both consistent',
        options={f'{_losses}.spatial_dynamic.form': 'consistent'},
        published={'R1@0.5': 45.32, 'R1@0.7': 28.35, 'mIoU': 41.08},
    ),
    rel_rel=dict(
        label='both relational',
        options={f'{_losses}.visual_context.form': 'relational'},
        published={'R1@0.5': 38.56, 'R1@0.7': 23.31, 'mIoU': 36.20},
    ),
)
