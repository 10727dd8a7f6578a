_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_align_losses'
title = 'SA-DETR, table 10: alignment losses (QVHighlights val)'
metrics = {'HD mAP': 'HL-min-VeryGood-mAP', 'HIT@1': 'HL-min-VeryGood-Hit1'}

_no_vtc = {'model.criterion.losses.video_text': None}
_no_ctm = {f'model.criterion.losses.clip_{name}': None for name in ('local', 'intra', 'inter')}
rows = dict(
    neither=dict(
        label='neither',
        options={**_no_vtc, **_no_ctm},
        published={'R1@0.5': 63.74, 'R1@0.7': 50.52, 'mAP': 47.01, 'HD mAP': 39.75, 'HIT@1': 63.55},
    ),
    vtc=dict(
        label='L_vtc',
        options=_no_ctm,
        published={'R1@0.5': 65.68, 'R1@0.7': 50.77, 'mAP': 47.19, 'HD mAP': 40.03, 'HIT@1': 64.39},
    ),
    ctm=dict(
        label='L_ctm',
        options=_no_vtc,
        published={'R1@0.5': 65.29, 'R1@0.7': 52.58, 'mAP': 47.77, 'HD mAP': 39.97, 'HIT@1': 63.42},
    ),
    both=dict(
        label='both',
        published={'R1@0.5': 67.03, 'R1@0.7': 52.52, 'mAP': 48.84, 'HD mAP': 40.81, 'HIT@1': 67.61},
    ),
)
