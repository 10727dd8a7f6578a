_base_ = ['./_base_/td_detr_charades.py']
name = 'td_detr_internvideo2_charades'
title = 'TD-DETR, table S3: InternVideo2 features (Charades-STA test)'
base = 'td_detr/td+qd_detr_internvideo2_charades.py'
note = 'Recipes are those of SlowFast + CLIP: the supplement prints none.'


def _row(label, base, r5, r7):
    return dict(label=label, base=base, published={'R1@0.5': r5, 'R1@0.7': r7})


rows = dict(
    qd=_row('QD-DETR', 'qd_detr/qd_detr_internvideo2_charades.py', 66.63, 42.78),
    cg=_row('CG-DETR', 'cg_detr/cg_detr_internvideo2_charades.py', 69.11, 46.13),
    bam=_row('BAM-DETR', 'bam_detr/bam_detr_internvideo2_charades.py', 68.49, 48.33),
    td=_row('TD-DETR', None, 73.49, 53.01),
)
