# The components of FlashVTG on UniVTG, and FlashVTG itself, on part of Charades-STA (CLIP features). Ten epochs, a tenth of
# the learning rate for the last two.
_base_ = ['./_base_/clip_charades.py']
name = 'flash_vtg_charades'
title = 'FlashVTG on part of Charades-STA (CLIP features), ten epochs'
base = 'univtg/univtg_clip_charades.py'
seeds = [0, 1, 2]
options = {'train_cfg.max_epochs': 10}
_univtg = {'param_scheduler.0.end': 2, 'param_scheduler.1.milestones': [8]}
rows = dict(
    univtg=dict(label='UniVTG', options=_univtg),
    layering=dict(label='UniVTG, feature layering', components=['flash.layering'], options=_univtg),
    score=dict(label='UniVTG, score refinement', components=['flash.score'], options=_univtg),
    all=dict(
        label='UniVTG, all three',
        components=['flash.layering', 'flash.score', 'flash.clip_score'],
        options=_univtg,
    ),
    flash=dict(
        label='FlashVTG', base='flash_vtg/flash_vtg_clip_charades.py', options={'param_scheduler.milestones': [8]}
    ),
)
