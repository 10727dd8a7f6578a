_base_ = ['./_base_/td_detr_qvhl.py']
name = 'td_detr_beta'
title = 'TD-DETR, table S2: weight of the video path (QVHighlights val)'
note = 'The text of the paper speaks of beta = 0 and 1, its table has 0.1 to 0.9.'


def _row(beta, r5, r7, map5, map75, average):
    return dict(
        label=f'beta = {beta}',
        options={} if beta == 0.7 else {'model.encoder.encoder.fusion.beta': beta},
        published={'R1@0.5': r5, 'R1@0.7': r7, 'mAP@0.5': map5, 'mAP@0.75': map75, 'mAP': average},
    )


rows = {
    'beta0.1': _row(0.1, 65.10, 51.94, 67.37, 50.12, 48.87),
    'beta0.3': _row(0.3, 64.77, 51.48, 66.50, 49.76, 48.48),
    'beta0.5': _row(0.5, 65.15, 51.26, 66.24, 48.44, 47.81),
    'beta0.7': _row(0.7, 65.88, 53.67, 66.43, 49.86, 49.05),
    'beta0.9': _row(0.9, 62.97, 50.19, 65.81, 48.76, 47.83),
}
