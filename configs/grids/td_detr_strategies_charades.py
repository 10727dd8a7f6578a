_base_ = ['./_base_/td_detr_charades.py']
name = 'td_detr_strategies_charades'
title = 'TD-DETR, table S4: choice of the partner video (Charades-STA test)'
note = 'In the official code "random" and "dissimilarity" mostly choose one and the same training row.'

_partner = 'train_dataloader.dataset.pipeline.augment.synthesis.partner'
rows = dict(
    baseline=dict(label='baseline', base='qd_detr/qd_detr_charades.py', published={'R1@0.5': 57.31, 'R1@0.7': 32.55}),
    random=dict(
        label='w/ random',
        options={_partner: dict(_delete_=True, type='RandomVideoSampler')},
        published={'R1@0.5': 58.66, 'R1@0.7': 37.98},
    ),
    dissimilar=dict(
        label='w/ dissimilarity',
        options={f'{_partner}.type': 'DissimilarVideoSampler'},
        published={'R1@0.5': 59.25, 'R1@0.7': 38.28},
    ),
    similar=dict(label='w/ similarity', published={'R1@0.5': 60.89, 'R1@0.7': 40.35}),
)
