name = 'sa_detr_methods_tacos'
title = 'SA-DETR, table 3: methods (TACoS test)'
source = 'the SA-DETR paper'
base = 'sa_detr/sa_detr_tacos.py'
seeds = [0, 1, 2018]
metrics = {
    'R1@0.3': 'MR-full-R1@0.3',
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
}
note = 'mmvmr has neither VSLNet nor 2D-TAN, which the table prints, too.'


def _row(label, base, r3, r5, r7, miou, note=''):
    figures = {'R1@0.3': r3, 'R1@0.5': r5, 'R1@0.7': r7, 'mIoU': miou}
    printed = {figure: value for figure, value in figures.items() if value is not None}
    return dict(label=label, base=f'{base}/{base}_tacos.py', published=printed, note=note)


rows = dict(
    moment=_row('Moment-DETR', 'moment_detr', 37.97, 24.67, 11.97, 25.49),
    univtg=_row('UniVTG', 'univtg', 51.44, 34.97, 17.35, 33.60),
    cg=_row('CG-DETR', 'cg_detr', 52.23, 39.61, 22.23, 36.48, 'these are figures of the validation split'),
    uvcom=_row('UVCOM', 'uvcom', None, 36.39, 23.32, None),
    bam=_row('BAM-DETR', 'bam_detr', 56.69, 41.54, 26.77, 39.31),
    sa=_row('SA-DETR', 'sa_detr', 58.16, 42.56, 27.87, 40.03),
)
