# "Separated": VGG and DistilBERT, as in MMN. Q^h: a random half of the words guides, the rest is injected.
_base_ = ['./_base_/vdi_charades_cg.py']
name = 'vdi_guide'
title = 'VDI, table 5: what guides the visual context (Charades-CG, novel words)'

_separated = 'vdi/vdi_vgg_charades_cg.py'
_mmn = {f'model.criterion.losses.{name}': None for name in ('visual_context', 'spatial_dynamic')}
rows = dict(
    separated_mmn=dict(
        label='MMN, separated',
        base=_separated,
        options=_mmn,
        published={'R1@0.5': 41.59, 'R1@0.7': 23.60, 'mIoU': 37.90},
    ),
    separated_vdi=dict(
        label='VDI (Q^s), separated', base=_separated, published={'R1@0.5': 41.29, 'R1@0.7': 24.46, 'mIoU': 38.21}
    ),
    mmn=dict(label='MMN, joint', options=_mmn, published={'R1@0.5': 43.85, 'R1@0.7': 24.17, 'mIoU': 39.50}),
    half=dict(
        label='VDI (Q^h), joint',
        options={'train_dataloader.dataset.pipeline.augment.roles.split.type': 'HalfSplit'},
        published={'R1@0.5': 46.01, 'R1@0.7': 27.05, 'mIoU': 40.94},
    ),
    vdi=dict(label='VDI (Q^s), joint', published={'R1@0.5': 46.47, 'R1@0.7': 28.63, 'mIoU': 41.60}),
)
