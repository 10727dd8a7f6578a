_base_ = ['./_base_/methods_qvhl_test.py']
name = 'sa_detr_methods_qvhl'
title = 'SA-DETR, table 1: methods (QVHighlights test)'
source = 'the SA-DETR paper'
metrics = {'HD mAP': 'HL-min-VeryGood-mAP', 'HIT@1': 'HL-min-VeryGood-Hit1'}
note = 'mmvmr has no MH-DETR, which the table prints, too.'

_figures = ('R1@0.5', 'R1@0.7', 'mAP@0.5', 'mAP@0.75', 'mAP', 'HD mAP', 'HIT@1')


def _row(label, base, *printed):
    return dict(label=label, base=f'{base}/{base}_qvhl.py', published=dict(zip(_figures, printed)))


rows = dict(
    moment=_row('Moment-DETR', 'moment_detr', 52.89, 33.02, 54.82, 29.40, 30.73, 35.69, 55.60),
    univtg=_row('UniVTG', 'univtg', 58.86, 40.86, 57.60, 35.59, 35.47, 38.20, 60.69),
    qd=_row('QD-DETR', 'qd_detr', 62.40, 44.98, 62.52, 39.88, 39.86, 38.94, 62.40),
    eatr=_row('EaTR', 'eatr', 61.36, 45.79, 61.86, 41.91, 41.74, 37.15, 58.65),
    tr=_row('TR-DETR', 'tr_detr', 64.66, 48.96, 63.98, 43.73, 42.62, 39.91, 63.42),
    cg=_row('CG-DETR', 'cg_detr', 65.43, 48.38, 64.51, 42.77, 42.86, 40.33, 66.21),
    uvcom=_row('UVCOM', 'uvcom', 63.55, 47.47, 63.37, 42.67, 43.18, 39.74, 64.20),
    bam=_row('BAM-DETR', 'bam_detr', 62.71, 48.64, 64.57, 46.33, 45.36),
    sa=_row('SA-DETR', 'sa_detr', 64.96, 49.09, 65.30, 47.80, 47.40, 40.02, 65.69),
)
