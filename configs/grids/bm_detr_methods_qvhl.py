# Nothing is mined: there are hardly two queries of a video.
_base_ = ['./_base_/methods_qvhl_test.py']
name = 'bm_detr_methods_qvhl'
title = 'BM-DETR, table 4: methods (QVHighlights test)'
source = 'the BM-DETR paper'
note = (
    'The table heads mAP@0.75 with 0.7. It also prints MCN, CAL, XML, XML+, UMT and MomentDiff, which mmvmr does not '
    'have.'
)

_figures = ('R1@0.5', 'R1@0.7', 'mAP@0.5', 'mAP@0.75', 'mAP')


def _row(label, base, *printed):
    return dict(label=label, base=f'{base}/{base}_qvhl.py', published=dict(zip(_figures, printed)))


rows = dict(
    moment=_row('Moment-DETR', 'moment_detr', 52.89, 33.02, 54.82, 29.40, 30.73),
    qd=_row('QD-DETR', 'qd_detr', 62.40, 44.98, 62.52, 39.88, 39.86),
    univtg=_row('UniVTG', 'univtg', 58.86, 40.86, 57.60, 35.59, 35.47),
    bm=_row('BM-DETR', 'bm_detr', 60.12, 43.05, 63.08, 40.18, 40.08),
)
