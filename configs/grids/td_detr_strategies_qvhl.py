# Here "random" and "dissimilar" do what they say. In the official code most partners of these two are one and the same
# training row, so the published figures of both are not what their names say.
_base_ = ['./_base_/td_detr_qvhl.py']
name = 'td_detr_strategies_qvhl'
title = 'TD-DETR, table S4: choice of the partner video (QVHighlights val)'
note = 'In the official code "random" and "dissimilarity" mostly choose one and the same training row.'

_partner = 'train_dataloader.dataset.pipeline.augment.synthesis.partner'
rows = dict(
    baseline=dict(
        label='baseline',
        base='qd_detr/qd_detr_qvhl.py',
        published={'R1@0.7': 46.66, 'mAP@0.75': 41.82, 'mAP': 41.22},
    ),
    random=dict(
        label='w/ random',
        options={_partner: dict(_delete_=True, type='RandomVideoSampler')},
        published={'R1@0.7': 51.29, 'mAP@0.75': 47.82, 'mAP': 47.56},
    ),
    dissimilar=dict(
        label='w/ dissimilarity',
        options={f'{_partner}.type': 'DissimilarVideoSampler'},
        published={'R1@0.7': 47.23, 'mAP@0.75': 46.83, 'mAP': 45.98},
    ),
    similar=dict(label='w/ similarity', published={'R1@0.7': 53.67, 'mAP@0.75': 49.86, 'mAP': 49.05}),
)
