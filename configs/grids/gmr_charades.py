# Queries with and without a moment on part of Charades-STA (CLIP features): its validation queries and as many sentences of
# NA-VMR that describe nothing in these videos, see configs/gmr/README.md for the files. Ten epochs, a tenth of the learning
# rate for the last two, models of the DETR family half as wide. The `window` columns take the score of the best moment for
# the existence score, which is all that a model without the head has.
name = 'gmr_charades'
title = 'Queries without a moment on part of Charades-STA (CLIP features, NA-VMR), ten epochs'
base = 'qd_detr/qd_detr_clip_charades.py'
seeds = [0, 1, 2]
# There is no third split, so no checkpoint is chosen on the one that is scored.
checkpoint = 'last'
_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='charades'),
    dict(type='MomentRetrievalMetric', protocol='gmr'),
    dict(type='MomentRetrievalMetric', protocol='gmr', ignore_existence=True, prefix='window'),
]
options = {
    'val_evaluator': _evaluator,
    'test_evaluator': _evaluator,
    'default_hooks.checkpoint.save_best': None,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'train_cfg.max_epochs': 10,
    'train_cfg.val_interval': 10,
}
_small = {'param_scheduler.milestones': [8], 'model.shared.embed_dims': 128, 'model.shared.ffn_dims': 512}
# A shorter warm-up, and an average of the weights that reaches as far back.
_snag = {'param_scheduler.end': 3, 'default_hooks.ema.momentum': 0.01}
_both = ['gmr.false_premise', 'gmr.existence']
_closed = ['gmr.existence']
_queries, _clips = ({'gmr.existence.source': source} for source in ('queries', 'clips'))
_published = {'gmr.existence.similarity': None}
_sa, _snag_base = dict(base='sa_detr/sa_detr_clip_charades.py'), dict(base='snag/snag_clip_charades.py')
_mmn = dict(base='mmvmr/mmn_12e_clip_charades.py')
rows = dict(
    qd=dict(label='QD-DETR', options=_small),
    qd_none=dict(label='QD-DETR, false premises', components=['gmr.false_premise'], options=_small),
    qd_head=dict(label='QD-DETR, head as published', components=_both, options={**_small, **_published}),
    qd_level=dict(label='QD-DETR, trained head with similarity', components=_both, options={**_small, **_queries}),
    qd_closed=dict(label='QD-DETR, head in closed form', components=_closed, options=_small),
    qd_relevance=dict(label='QD-DETR, relevance head', components=['causal.relevance'], options=_small),
    qd_front_door=dict(label='QD-DETR, front door', components=['causal.front_door'], options=_small),
    causal=dict(
        label='CausalVTG',
        base='causal_vtg/causal_vtg_clip_charades.py',
        options={'param_scheduler.milestones': [8]},
    ),
    sa=dict(_sa, label='SA-DETR', options=_small),
    sa_head=dict(_sa, label='SA-DETR, head as published', components=_both, options={**_small, **_published}),
    sa_level=dict(_sa, label='SA-DETR, trained head with similarity', components=_both, options={**_small, **_clips}),
    sa_closed=dict(_sa, label='SA-DETR, head in closed form', components=_closed, options=_small),
    snag=dict(_snag_base, label='SnAG', options=_snag),
    snag_head=dict(_snag_base, label='SnAG, head as published', components=_both, options={**_snag, **_published}),
    snag_level=dict(
        _snag_base, label='SnAG, trained head with similarity', components=_both, options={**_snag, **_clips}
    ),
    snag_closed=dict(_snag_base, label='SnAG, head in closed form', components=_closed, options=_snag),
    mmn=dict(_mmn, label='MMN'),
    mmn_head=dict(_mmn, label='MMN, head as published', components=_both, options=_published),
    mmn_level=dict(
        _mmn,
        label='MMN, trained head with similarity',
        components=_both,
        options={'gmr.existence.source': 'candidates'},
    ),
    mmn_closed=dict(_mmn, label='MMN, head in closed form', components=_closed),
)
splits = dict(
    real={'test_dataloader.dataset.ann_file': ['val.jsonl', 'val_none_in_domain.jsonl']},
    invented={'test_dataloader.dataset.ann_file': ['val.jsonl', 'val_none_out_of_domain.jsonl']},
)
metrics = {
    'AUROC': 'real/AUROC',
    'window AUROC': 'real/window/AUROC',
    'Rej-F1': 'real/Rej-F1-max',
    'window Rej-F1': 'real/window/Rej-F1-max',
    'G-mIoU@1': 'real/G-mIoU@1',
    'AUROC, invented': 'invented/AUROC',
    'R1@0.5': 'real/MR-full-R1@0.5',
    'R1@0.7': 'real/MR-full-R1@0.7',
    'mAP': 'real/MR-full-mAP',
}
