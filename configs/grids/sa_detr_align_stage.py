_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_align_stage'
title = 'SA-DETR, table 7: stages of L_vtc and L_ctm (QVHighlights val)'
metrics = {'HD mAP': 'HL-min-VeryGood-mAP', 'HIT@1': 'HL-min-VeryGood-Hit1'}

_vtc_after = {'model.criterion.losses.video_text.stage': 'after'}
_ctm_before = {f'model.criterion.losses.clip_{name}.stage': 'before' for name in ('local', 'intra', 'inter')}
rows = dict(
    before_before=dict(
        label='L_vtc before, L_ctm before the fusion',
        options=_ctm_before,
        published={'R1@0.5': 66.71, 'R1@0.7': 52.71, 'mAP': 48.24, 'HD mAP': 40.89, 'HIT@1': 66.58},
    ),
    after_before=dict(
        label='after, before',
        options={**_vtc_after, **_ctm_before},
        published={'R1@0.5': 65.42, 'R1@0.7': 51.74, 'mAP': 47.56, 'HD mAP': 40.20, 'HIT@1': 65.94},
    ),
    after_after=dict(
        label='after, after',
        options=_vtc_after,
        published={'R1@0.5': 65.55, 'R1@0.7': 51.87, 'mAP': 47.85, 'HD mAP': 40.65, 'HIT@1': 65.81},
    ),
    before_after=dict(
        label='before, after',
        published={'R1@0.5': 67.03, 'R1@0.7': 52.52, 'mAP': 48.84, 'HD mAP': 40.81, 'HIT@1': 67.61},
    ),
)
