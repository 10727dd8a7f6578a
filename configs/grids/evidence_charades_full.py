# The published length and width on part of Charades-STA (CLIP features), a component at a time and together. About half an
# hour per QD-DETR cell on one core that multiplies bfloat16 in hardware (`--amp`), twice that without. `balanced` is the part of
# the validation queries on which the best fixed window of train is right half as often.
_base_ = ['./_base_/clip_charades.py']
name = 'evidence_charades_full'
title = 'Components at full length on part of Charades-STA (CLIP features)'
seeds = [0, 1, 2]
options = {'train_cfg.val_interval': 5}  # the log then has the best epoch as well
prepare = {
    'val_balanced.jsonl': [
        'dataset_converters/balance_positions.py',
        '{data_root}/train.jsonl',
        '{data_root}/val.jsonl',
        '--out',
        '{out}',
    ],
}
splits = dict(val={}, balanced={'test_dataloader.dataset.ann_file': 'val_balanced.jsonl'})
robustness = ['--splits', 'val', '--probes', 'plain', 'spurious_zero', 'position_only', 'other_query']
robustness += ['dynamic_context', '--quiet']
_td = ['td.synthesizer', 'td.dynamics']
_bm = ['bm.negative_query', 'bm.temporal_shift']
_sa = ['sa.anchors', 'sa.gaussian', 'sa.noise']
_sa_detr = dict(base='sa_detr/sa_detr_clip_charades.py')
_snag = dict(base='snag/snag_clip_charades.py')
# Negatives of the same video, whose word positions are those of the right sentence; masks of words laid out head by head.
_official = {
    'model.encoder.sampler.exclude_same_video': False,
    'model.encoder.word_positions': 'kept',
    'model.encoder.encoder.fusion.mask_layout': 'head_major',
}
rows = dict(
    qd=dict(label='QD-DETR'),
    official=dict(label='QD-DETR as its official code runs it', options=_official),
    td=dict(label='+ TD-DETR: both', components=_td),
    synthesizer=dict(label='+ TD-DETR: synthesizer', components=['td.synthesizer']),
    dynamics=dict(label='+ TD-DETR: temporal dynamics', components=['td.dynamics']),
    negative=dict(label='+ BM-DETR: negative query', components=['bm.negative_query']),
    shift=dict(label='+ BM-DETR: temporal shifting', components=['bm.temporal_shift']),
    bm=dict(label='+ BM-DETR: both', components=_bm),
    anchors=dict(label='+ SA-DETR: predicted anchors', components=['sa.anchors']),
    gaussian=dict(label='+ SA-DETR: Gaussian mask', components=['sa.gaussian']),
    noise=dict(label='+ SA-DETR: noise queries', components=['sa.noise']),
    sa=dict(label='+ SA-DETR: all three', components=_sa),
    sa_detr=dict(_sa_detr, label='SA-DETR'),
    td_sa=dict(_sa_detr, label='SA-DETR + TD-DETR', components=_td),
    bm_sa=dict(_sa_detr, label='SA-DETR + BM-DETR', components=_bm),
    snag=dict(_snag, label='SnAG'),
    td_snag=dict(_snag, label='SnAG + TD-DETR', components=_td),
    mmn=dict(label='MMN', base='mmn/mmn_clip_charades.py'),
    univtg=dict(label='UniVTG', base='univtg/univtg_clip_charades.py'),
    cg=dict(label='CG-DETR', base='cg_detr/cg_detr_clip_charades.py'),
    bam=dict(label='BAM-DETR', base='bam_detr/bam_detr_clip_charades.py'),
    stream=dict(label='QD-DETR + similarity as a stream', components=['sim.stream']),
    stream_anchors=dict(label='QD-DETR + similarity, stream and anchors', components=['sim.stream', 'sim.anchors']),
)
curve = 'MR-full-mAP'
_probe = 'robustness/val'
metrics = {
    'R1@0.5': 'val/MR-full-R1@0.5',
    'R1@0.7': 'val/MR-full-R1@0.7',
    'mAP': 'val/MR-full-mAP',
    'balanced R1@0.5': 'balanced/MR-full-R1@0.5',
    'balanced R1@0.7': 'balanced/MR-full-R1@0.7',
    'balanced mAP': 'balanced/MR-full-mAP',
    'Spurious mAP': f'{_probe}/spurious_zero/mAP',
    'position only R1@0.5': f'{_probe}/position_only/R1@0.5',
    'other query R1@0.5': f'{_probe}/other_query/R1@0.5',
    'dynamic context R1@0.5': f'{_probe}/dynamic_context/R1@0.5',
    'best epoch R1@0.5': 'best/MR-full-R1@0.5',
    'best epoch R1@0.7': 'best/MR-full-R1@0.7',
    'best epoch mAP': 'best/MR-full-mAP',
}
