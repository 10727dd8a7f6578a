# FA: alignment losses. QI: anchors from the video-sentence pair and L_init. AD: Gaussian mask and enhance block
# (the paper says SA in the text). DN: noise queries. Without FA and AD nothing reads the pooled sentence.
_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_components'
title = 'SA-DETR, table 4: components (QVHighlights val)'
metrics = {'HD mAP': 'HL-min-VeryGood-mAP', 'HIT@1': 'HL-min-VeryGood-Hit1'}

_no_fa = {f'model.criterion.losses.{name}': None for name in ('video_text', 'clip_local', 'clip_intra', 'clip_inter')}
_no_qi = {
    'model.query_initializer.direct': dict(_delete_=True, type='LearnedAnchorQueryInitializer', num_queries=10),
    'model.criterion.losses.init_span': None,
    'model.criterion.losses.init_giou': None,
}
_no_ad = {'model.decoder.layer.enhance': None, 'model.decoder.layer.cross_attn.modulator': None}
_no_dn = {
    'model.query_initializer.noise': None,
    'model.criterion.losses.noise_span': None,
    'model.criterion.losses.noise_giou': None,
    'model.criterion.losses.noise_quality': None,
}
_no_pool = {'model.encoder.encoder.pool': None}


def _printed(r5, r7, average, highlights, hit):
    return {'R1@0.5': r5, 'R1@0.7': r7, 'mAP': average, 'HD mAP': highlights, 'HIT@1': hit}


rows = dict(
    a=dict(
        label='(a) none',
        options={**_no_fa, **_no_qi, **_no_ad, **_no_dn, **_no_pool},
        published=_printed(62.39, 46.77, 40.71, 39.33, 62.13),
    ),
    b=dict(
        label='(b) FA',
        options={**_no_qi, **_no_ad, **_no_dn},
        published=_printed(65.16, 49.23, 44.26, 40.24, 67.29),
    ),
    c=dict(
        label='(c) QI',
        options={**_no_fa, **_no_ad, **_no_dn, **_no_pool},
        published=_printed(63.74, 50.32, 45.39, 39.42, 62.90),
    ),
    d=dict(
        label='(d) AD',
        options={**_no_fa, **_no_qi, **_no_dn},
        published=_printed(63.35, 48.19, 42.85, 39.45, 62.65),
    ),
    e=dict(
        label='(e) DN',
        options={**_no_fa, **_no_qi, **_no_ad, **_no_pool},
        published=_printed(65.03, 48.39, 43.69, 39.50, 62.39),
    ),
    f=dict(
        label='(f) QI, DN',
        options={**_no_fa, **_no_ad, **_no_pool},
        published=_printed(63.35, 50.06, 46.27, 39.53, 63.03),
    ),
    g=dict(
        label='(g) QI, AD',
        options={**_no_fa, **_no_dn},
        published=_printed(63.87, 50.13, 45.96, 39.63, 64.13),
    ),
    h=dict(
        label='(h) QI, AD, DN',
        options=_no_fa,
        published=_printed(63.74, 50.52, 47.01, 39.75, 63.55),
    ),
    i=dict(
        label='(i) FA, QI, DN',
        options=_no_ad,
        published=_printed(65.29, 51.35, 47.54, 40.59, 66.32),
    ),
    j=dict(label='(j) all', published=_printed(67.03, 52.52, 48.84, 40.81, 67.61)),
)
