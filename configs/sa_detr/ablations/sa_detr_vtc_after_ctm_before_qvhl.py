# Table 7: L_vtc after, L_ctm before the fusion.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    criterion=dict(
        losses=dict(
            video_text=dict(stage='after'),
            clip_local=dict(stage='before'),
            clip_intra=dict(stage='before'),
            clip_inter=dict(stage='before'),
        )
    )
)
