_base_ = ['./_base_/td_detr_qvhl.py']
name = 'td_detr_internvideo2_qvhl'
title = 'TD-DETR, table S3: InternVideo2 features (QVHighlights val)'
base = 'td_detr/td+qd_detr_internvideo2_qvhl.py'
note = 'Recipes are those of SlowFast + CLIP: the supplement prints none.'


def _row(label, base, r5, r7, map5, map75, average):
    figures = {'R1@0.5': r5, 'R1@0.7': r7, 'mAP@0.5': map5, 'mAP@0.75': map75, 'mAP': average}
    return dict(label=label, base=base, published=figures)


rows = dict(
    qd=_row('QD-DETR', 'qd_detr/qd_detr_internvideo2_qvhl.py', 68.58, 52.13, 67.87, 45.94, 45.40),
    cg=_row('CG-DETR', 'cg_detr/cg_detr_internvideo2_qvhl.py', 70.27, 55.62, 69.17, 52.62, 50.93),
    bam=_row('BAM-DETR', 'bam_detr/bam_detr_internvideo2_qvhl.py', 69.72, 55.13, 69.38, 52.89, 51.13),
    td=_row('TD-DETR', None, 71.29, 57.23, 72.99, 54.94, 53.23),
)
