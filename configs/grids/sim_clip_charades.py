# Similarity as a component on methods of several kinds, on part of Charades-STA (CLIP features). Ten epochs, a tenth of the
# learning rate for the last two, models of the DETR family half as wide.
_base_ = ['./_base_/clip_charades.py']
name = 'sim_clip_charades'
title = 'Similarity as a component on part of Charades-STA (CLIP features), ten epochs'
seeds = [0, 1, 2]
options = {'train_cfg.max_epochs': 10}
_small = {'param_scheduler.milestones': [8], 'model.shared.embed_dims': 128, 'model.shared.ffn_dims': 512}
# A shorter warm-up, and an average of the weights that reaches as far back.
_snag = dict(
    base='snag/snag_clip_charades.py',
    options={'param_scheduler.end': 3, 'default_hooks.ema.momentum': 0.01},
)
_univtg = dict(
    base='univtg/univtg_clip_charades.py',
    options={'param_scheduler.0.end': 2, 'param_scheduler.1.milestones': [8]},
)
_cg = dict(base='cg_detr/cg_detr_clip_charades.py', options=_small)
_stream = ['sim.stream']
rows = dict(
    qd=dict(label='QD-DETR', options=_small),
    qd_stream=dict(label='QD-DETR + similarity', components=_stream, options=_small),
    qd_both=dict(label='QD-DETR + similarity, as anchors too', components=[*_stream, 'sim.anchors'], options=_small),
    snag=dict(_snag, label='SnAG'),
    snag_stream=dict(_snag, label='SnAG + similarity', components=_stream),
    univtg=dict(_univtg, label='UniVTG'),
    univtg_stream=dict(_univtg, label='UniVTG + similarity', components=_stream),
    cg=dict(_cg, label='CG-DETR'),
    cg_stream=dict(_cg, label='CG-DETR + similarity', components=_stream),
)
