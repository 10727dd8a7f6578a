_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_noise'
title = 'SA-DETR, table 8: contrastive denoising (QVHighlights val)'
rows = dict(
    positive=dict(
        label='w/o contrastive groups',
        options={
            'model.query_initializer.noise.contrastive': 'none',
            'model.criterion.losses.noise_quality': None,
        },
        published={'R1@0.5': 66.52, 'R1@0.7': 52.32, 'mAP': 47.88},
    ),
    course=dict(
        label='course learning',
        options={'model.query_initializer.noise.contrastive': 'course'},
        published={'R1@0.5': 67.55, 'R1@0.7': 52.19, 'mAP': 48.36},
    ),
    fixed=dict(label='fixed margin', published={'R1@0.5': 67.03, 'R1@0.7': 52.52, 'mAP': 48.84}),
)
