_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_query_init'
title = 'SA-DETR, table 5: query initializer (QVHighlights val)'

_no_loss = {'model.criterion.losses.init_span': None, 'model.criterion.losses.init_giou': None}
rows = dict(
    learned=dict(
        label='learned anchors',
        options={
            **_no_loss,
            'model.query_initializer.direct': dict(_delete_=True, type='LearnedAnchorQueryInitializer', num_queries=10),
        },
        published={'R1@0.5': 64.58, 'R1@0.7': 49.61, 'mAP': 44.69},
    ),
    dynamic=dict(
        label='+ dynamic anchors',
        options={**_no_loss, 'model.query_initializer.direct.supervise_init': False},
        published={'R1@0.5': 64.97, 'R1@0.7': 51.16, 'mAP': 47.19},
    ),
    init_loss=dict(label='+ L_init', published={'R1@0.5': 67.03, 'R1@0.7': 52.52, 'mAP': 48.84}),
)
