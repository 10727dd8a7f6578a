# Configs without an official script choose the epoch on the test split, as the others do.
name = 'sa_detr_methods_charades'
title = 'SA-DETR, table 2: methods (Charades-STA test)'
source = 'the SA-DETR paper'
base = 'sa_detr/sa_detr_charades.py'
seeds = [0, 1, 2018]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7'}
note = 'mmvmr has neither 2D-TAN nor MH-DETR, which the table prints, too.'


def _row(label, base, r5, r7, features='charades'):
    shown = 'VGG' if features == 'vgg_charades' else 'SF+C'
    figures = {'R1@0.5': r5, 'R1@0.7': r7}
    return dict(label=f'{label}, {shown}', base=f'{base}/{base}_{features}.py', published=figures)


rows = dict(
    qd_vgg=_row('QD-DETR', 'qd_detr', 52.77, 31.13, 'vgg_charades'),
    tr_vgg=_row('TR-DETR', 'tr_detr', 53.47, 30.81, 'vgg_charades'),
    sa_vgg=_row('SA-DETR', 'sa_detr', 55.59, 37.1, 'vgg_charades'),
    moment=_row('Moment-DETR', 'moment_detr', 52.07, 30.59),
    qd=_row('QD-DETR', 'qd_detr', 57.31, 32.55),
    tr=_row('TR-DETR', 'tr_detr', 57.61, 33.52),
    univtg=_row('UniVTG', 'univtg', 58.01, 35.65),
    cg=_row('CG-DETR', 'cg_detr', 58.44, 36.34),
    uvcom=_row('UVCOM', 'uvcom', 59.25, 36.64),
    bam=_row('BAM-DETR', 'bam_detr', 59.95, 39.38),
    sa=_row('SA-DETR', 'sa_detr', 61.16, 41.51),
)
