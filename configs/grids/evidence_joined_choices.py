# What SA-DETR and BM-DETR leave open, on models that find the moment: SA-DETR and QD-DETR that receive similarity, on
# joined videos.
_base_ = ['./_base_/joined_quarter.py']
name = 'evidence_joined_choices'
title = 'Readings of SA-DETR and BM-DETR that their papers leave open, on joined videos'
_sim = ['sim.stream', 'sim.anchors']
_sa = dict(base='sa_detr/sa_detr_msrvtt_joined.py', components=_sim)
_quality = 'model.criterion.losses.quality'
# Every video has one sentence, so negatives come from other videos.
_bm = dict(components=[*_sim, 'bm.negative_query'], options={'bm.negative_query.missing': 'other_video'})
rows = dict(
    sa=dict(_sa, label='SA-DETR + similarity: matched queries have weight 10 in the quality loss (w_q)'),
    matched_weight=dict(_sa, label='w_q = 1', options={f'{_quality}.matched_weight': 1.0}),
    quality_sum=dict(
        _sa, label='quality loss (eq. 8) summed over the 10 queries', options={f'{_quality}.weight': 10.0}
    ),
    pairs=dict(
        _sa,
        label='losses of noise queries divided by pairs',
        options={f'model.criterion.losses.noise_{kind}.normalizer': 'pairs' for kind in ('span', 'giou')},
    ),
    position=dict(
        _sa,
        label='positions added to projected contents (eq. 1)',
        options={'model.decoder.layer.self_attn.position': 'projected'},
    ),
    residual=dict(
        _sa,
        label='projected contents as residual (eq. 6)',
        options={'model.decoder.layer.residual': 'projected'},
    ),
    qd=dict(label='QD-DETR + similarity', components=_sim),
    clips=dict(_bm, label='+ negative query, clips keep their size'),
    one=dict(
        _bm,
        label='+ negative query as printed: weights add up to one',
        options={**_bm['options'], 'bm.negative_query.attention': 'one'},
    ),
    plain=dict(
        _bm,
        label='+ negative query, the decoder attends to plain clips (official code)',
        options={
            **_bm['options'],
            'bm.negative_query.attention': 'one',
            'bm.negative_query.decoder_reads': 'plain',
        },
    ),
)
