# Views of TD-DETR, BM-DETR and LA-DETR on the model that is best on this data, MMN after twelve epochs. `balanced` is the part
# of the validation queries on which the best fixed window of train is right half as often.
_base_ = ['./evidence_charades_full.py']
name = 'evidence_charades_mmn'
title = 'Components on MMN, twelve epochs on part of Charades-STA (CLIP features)'
base = 'mmvmr/mmn_12e_clip_charades.py'
options = {'train_cfg.val_interval': 12}
robustness = ['--splits', 'val', '--probes', 'plain', 'position_only', 'other_query', 'dynamic_context', '--quiet']
rows = dict(
    _delete_=True,
    mmn=dict(label='MMN'),
    synthesizer=dict(label='+ TD-DETR: synthesizer', components=['td.synthesizer']),
    shift=dict(label='+ BM-DETR: temporal shifting', components=['bm.temporal_shift']),
    mix=dict(label='+ LA-DETR: MomentMix', components=['la.moment_mix']),
)
metrics = {
    '_delete_': True,
    'R1@0.5': 'val/MR-full-R1@0.5',
    'R1@0.7': 'val/MR-full-R1@0.7',
    'mAP': 'val/MR-full-mAP',
    'balanced R1@0.5': 'balanced/MR-full-R1@0.5',
    'balanced R1@0.7': 'balanced/MR-full-R1@0.7',
    'balanced mAP': 'balanced/MR-full-mAP',
    'position only R1@0.5': 'robustness/val/position_only/R1@0.5',
    'other query R1@0.5': 'robustness/val/other_query/R1@0.5',
    'dynamic context R1@0.5': 'robustness/val/dynamic_context/R1@0.5',
}
