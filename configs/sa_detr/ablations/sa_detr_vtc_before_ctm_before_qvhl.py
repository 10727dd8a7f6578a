# Table 7: both alignments before the fusion.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    criterion=dict(
        losses=dict(clip_local=dict(stage='before'), clip_intra=dict(stage='before'), clip_inter=dict(stage='before'))
    )
)
