# The figure of the paper has no numbers: --curve FILE.png draws it.
_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_convergence'
title = 'SA-DETR, figure 5: convergence with and without denoising (QVHighlights val)'
curve = 'MR-full-mAP'
rows = dict(
    qd_detr=dict(label='QD-DETR', base='qd_detr/qd_detr_qvhl.py'),
    no_noise=dict(
        label='SA-DETR without denoising',
        options={
            'model.query_initializer.noise': None,
            'model.criterion.losses.noise_span': None,
            'model.criterion.losses.noise_giou': None,
            'model.criterion.losses.noise_quality': None,
        },
    ),
    sa_detr=dict(label='SA-DETR'),
)
