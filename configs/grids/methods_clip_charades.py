# The methods with one short recipe: six epochs, a tenth of the learning rate for the last. Dense hosts keep the
# optimizers of their configs. Five to fifteen minutes each on one slow CPU core. Figures compare the rows with each other,
# never with published tables.
name = 'methods_clip_charades'
title = 'Methods on part of Charades-STA (CLIP features), six epochs'
base = 'qd_detr/qd_detr_clip_charades.py'
seeds = [2018]
# There is no third split, so no checkpoint is chosen on the one that is scored.
checkpoint = 'last'
options = {
    'default_hooks.checkpoint.save_best': None,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'train_cfg.max_epochs': 6,
    'train_cfg.val_interval': 3,
}
_step = {'param_scheduler.milestones': [5]}
rows = dict(
    qd=dict(label='QD-DETR', options=_step),
    cg=dict(label='CG-DETR', base='cg_detr/cg_detr_clip_charades.py', options=_step),
    bam=dict(label='BAM-DETR', base='bam_detr/bam_detr_clip_charades.py', options=_step),
    sa=dict(label='SA-DETR', base='sa_detr/sa_detr_clip_charades.py', options=_step),
    # A shorter warm-up, and an average of the weights that reaches as far back.
    snag=dict(
        label='SnAG',
        base='snag/snag_clip_charades.py',
        options={'param_scheduler.end': 2, 'default_hooks.ema.momentum': 0.01},
    ),
    univtg=dict(
        label='UniVTG',
        base='univtg/univtg_clip_charades.py',
        options={'param_scheduler.0.end': 1, 'param_scheduler.1.milestones': [5]},
    ),
    # Epochs of 50 steps instead of 70; its contrastive losses end when the rate falls.
    mmn=dict(
        label='MMN',
        base='mmn/mmn_clip_charades.py',
        options={
            'train_cfg.max_epochs': 9,
            'param_scheduler.milestones': [6],
            'model.criterion.losses.vid.late_epoch': 6,
            'model.criterion.losses.sent.late_epoch': 6,
        },
    ),
)
metrics = {
    'R1@0.3': 'MR-full-R1@0.3',
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
    'mAP': 'MR-full-mAP',
}
