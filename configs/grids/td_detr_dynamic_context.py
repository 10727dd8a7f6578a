# The split of the authors is not released: clips outside the moments come from random other videos here, drawn from a
# seed (docs/user_guides/robustness.md).
_base_ = ['./_base_/td_detr_qvhl.py']
name = 'td_detr_dynamic_context'
title = 'TD-DETR, table S6: moments among clips of other videos (QVHighlights val)'
robustness = ['--splits', 'val', '--probes', 'plain', 'dynamic_context', '--quiet']
_figures = ('R1@0.5', 'R1@0.7', 'mIoU', 'mAP@0.5', 'mAP@0.75', 'mAP')
metrics = dict(_delete_=True, **{figure: f'robustness/val/dynamic_context/{figure}' for figure in _figures})


def _row(label, base, *printed):
    return dict(label=label, base=base, published=dict(zip(_figures, printed)))


rows = dict(
    qd=_row('QD-DETR', 'qd_detr/qd_detr_qvhl.py', 58.29, 39.29, 52.76, 57.25, 34.86, 34.78),
    cg=_row('CG-DETR', 'cg_detr/cg_detr_qvhl.py', 62.03, 43.77, 56.57, 59.9, 38.3, 38.48),
    bam=_row('BAM-DETR', 'bam_detr/bam_detr_qvhl.py', 59.74, 41.87, 54.95, 60.05, 39.5, 39.24),
    td=_row('TD-DETR', None, 65.77, 46.94, 59.43, 64.5, 42.13, 42.21),
)
