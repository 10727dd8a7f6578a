_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_methods_charades'
title = 'BM-DETR, table 2: methods (Charades-STA test)'
note = (
    'The table also prints 2D-TAN, DRN, VSLNet, CBLN, IVG-DCL, FVMR, SSCS, UMT, G2L and MomentDiff, which mmvmr does not '
    'have.'
)

_mined = {'train_dataloader.dataset.ann_file': 'charades_train_negatives.jsonl'}


def _row(label, base, r5, r7, options=None):
    return dict(label=label, base=base, options=options or {}, published={'R1@0.5': r5, 'R1@0.7': r7})


options = dict(_delete_=True)
rows = dict(
    bm_c3d=_row('BM-DETR, C3D', 'bm_detr/bm_detr_c3d_charades.py', 54.08, 34.47, _mined),
    mmn_vgg=_row('MMN, VGG', 'mmn/mmn_charades.py', 47.31, 27.28),
    qd_vgg=_row('QD-DETR, VGG', 'qd_detr/qd_detr_vgg_charades.py', 52.77, 31.13),
    bm_vgg=_row('BM-DETR, VGG', 'bm_detr/bm_detr_vgg_charades.py', 56.91, 36.24, _mined),
    moment=_row('Moment-DETR, SF+C', 'moment_detr/moment_detr_charades.py', 53.63, 31.37),
    qd=_row('QD-DETR, SF+C', 'qd_detr/qd_detr_charades.py', 57.31, 32.55),
    univtg=_row('UniVTG, SF+C', 'univtg/univtg_charades.py', 58.01, 35.65),
    bm=_row('BM-DETR, SF+C', 'bm_detr/bm_detr_charades.py', 59.48, 38.33, _mined),
)
