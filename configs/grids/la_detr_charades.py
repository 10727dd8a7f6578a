# Views of short moments and queries for classes of length on part of Charades-STA (CLIP features). Ten epochs, a tenth of the
# learning rate for the last two, half as wide. Bounds are those of the official code for Charades-STA;
# pieces are half as long, as no moment of this part lasts two of 10 s.
_base_ = ['./_base_/clip_charades.py']
name = 'la_detr_charades'
title = 'LA-DETR on part of Charades-STA (CLIP features), ten epochs'
seeds = [0, 1, 2]
options = {
    'train_cfg.max_epochs': 10,
    'param_scheduler.milestones': [8],
    'model.shared.embed_dims': 128,
    'model.shared.ffn_dims': 512,
}
metrics = {'mAP up to 10 s': 'MR-short-mAP', 'mAP over 10 s': 'MR-middle-mAP'}
_piece = {'la.moment_mix.piece': 5.0}
_lengths = {'la.matching.bounds': [5.67, 14.0]}
rows = dict(
    qd=dict(label='QD-DETR'),
    mix=dict(label='QD-DETR, MomentMix', components=['la.moment_mix'], options=_piece),
    foreground=dict(
        label='QD-DETR, ForegroundMix',
        components=['la.moment_mix'],
        options={**_piece, 'la.moment_mix.background': False},
    ),
    background=dict(
        label='QD-DETR, BackgroundMix', components=['la.moment_mix'], options={'la.moment_mix.foreground': False}
    ),
    matching=dict(label='QD-DETR, length-wise matching', components=['la.matching'], options=_lengths),
    both=dict(label='QD-DETR, both', components=['la.moment_mix', 'la.matching'], options={**_piece, **_lengths}),
)
