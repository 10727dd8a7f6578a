# Table 4, setting (a): no alignment losses, learned anchors, no guidance, no noise.
_base_ = ['../sa_detr_qvhl.py']
model = dict(
    encoder=dict(encoder=dict(pool=None)),
    query_initializer=dict(
        noise=None, direct=dict(_delete_=True, type='LearnedAnchorQueryInitializer', num_queries=10)
    ),
    decoder=dict(layer=dict(enhance=None, cross_attn=dict(modulator=None))),
    criterion=dict(
        losses=dict(
            video_text=None,
            clip_local=None,
            clip_intra=None,
            clip_inter=None,
            init_span=None,
            init_giou=None,
            noise_span=None,
            noise_giou=None,
            noise_quality=None,
        )
    ),
)
