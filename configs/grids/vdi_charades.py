# CLIP's ResNet: which one is not said; ResNet-50 here.
_base_ = ['./_base_/vdi_charades_cg.py']
base = 'vdi/vdi_charades.py'
name = 'vdi_charades'
title = 'VDI, table 6: the original split (Charades-STA test)'

rows = dict(
    mmn_vgg=dict(label='MMN, VGG', base='mmn/mmn_charades.py', published={'R1@0.5': 47.31, 'R1@0.7': 27.28}),
    mmn=dict(
        label='MMN, CLIP ViT',
        options={f'model.criterion.losses.{name}': None for name in ('visual_context', 'spatial_dynamic')},
        published={'R1@0.5': 50.48, 'R1@0.7': 29.65},
    ),
    vdi=dict(label='VDI, CLIP ViT', published={'R1@0.5': 52.32, 'R1@0.7': 31.37}),
    mmn_resnet=dict(
        label='MMN, CLIP ResNet',
        base='mmn/mmn_clip_rn50_charades.py',
        published={'R1@0.5': 52.88, 'R1@0.7': 32.02},
    ),
    vdi_resnet=dict(
        label='VDI, CLIP ResNet', base='vdi/vdi_rn50_charades.py', published={'R1@0.5': 53.98, 'R1@0.7': 33.20}
    ),
)
