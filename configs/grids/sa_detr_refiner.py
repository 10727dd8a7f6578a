_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_refiner'
title = 'SA-DETR, table 6: span aware query refiner (QVHighlights val)'

_no_modulate = {'model.decoder.layer.cross_attn.modulator': None}
_no_enhance = {'model.decoder.layer.enhance': None}
rows = dict(
    neither=dict(
        label='neither',
        options={**_no_modulate, **_no_enhance},
        published={'R1@0.5': 65.29, 'R1@0.7': 51.35, 'mAP': 47.54},
    ),
    modulate=dict(
        label='modulate',
        options=_no_enhance,
        published={'R1@0.5': 66.84, 'R1@0.7': 52.77, 'mAP': 48.14},
    ),
    enhance=dict(
        label='enhance',
        options=_no_modulate,
        published={'R1@0.5': 66.58, 'R1@0.7': 52.58, 'mAP': 47.97},
    ),
    both=dict(label='both', published={'R1@0.5': 67.03, 'R1@0.7': 52.52, 'mAP': 48.84}),
)
