_base_ = ['./_base_/td_detr_qvhl.py']
name = 'td_detr_alpha'
title = 'TD-DETR, table S1: share of the own context (QVHighlights val)'


def _row(alpha, r5, r7, map5, map75, average):
    return dict(
        label=f'alpha = {alpha}',
        options={} if alpha == 0.7 else {'train_dataloader.dataset.pipeline.augment.synthesis.alpha': alpha},
        published={'R1@0.5': r5, 'R1@0.7': r7, 'mAP@0.5': map5, 'mAP@0.75': map75, 'mAP': average},
    )


rows = {
    'alpha0.0': _row(0.0, 11.61, 3.35, 23.93, 7.5, 10.09),
    'alpha0.3': _row(0.3, 65.10, 51.94, 65.77, 48.13, 47.55),
    'alpha0.5': _row(0.5, 64.77, 51.10, 66.79, 49.08, 47.95),
    'alpha0.7': _row(0.7, 65.88, 53.67, 66.43, 49.86, 49.05),
    'alpha0.9': _row(0.9, 64.19, 51.23, 66.29, 48.88, 47.94),
}
