# BMD: background-aware moment detection (negative queries, frame matching). FS: fine-grained semantic alignment.
# LS: learnable spans; without them the queries are those of Moment-DETR. TS: temporal shifting.
_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_components'
title = 'BM-DETR, table 7: components (Charades-STA test)'

_augment = 'train_dataloader.dataset.pipeline.augment'
_layers = dict(
    type='TransformerEncoder', num_layers=3, layer=dict(type='EncoderLayer'), position_scale=dict(type='ContentScale')
)
_without = dict(
    BMD={
        f'{_augment}.negative': None,
        'model.encoder': dict(_delete_=True, type='JointEncoder', layers=_layers),
        'model.criterion.losses.frame_guidance': None,
    },
    FS={'model.criterion.losses.alignment': None},
    LS={
        'model.query_initializer': dict(_delete_=True, type='LearnedQueryInitializer', num_queries=10),
        'model.decoder.position': dict(_delete_=True, type='LearnedQueryPosition'),
        'model.decoder.layer.self_attn': dict(_delete_=True, type='QuerySelfAttention'),
        'model.decoder.layer.cross_attn': dict(_delete_=True, type='QueryCrossAttention'),
        'model.decoder.first_layer': None,
        'model.moment_head.span': dict(_delete_=True, type='DirectSpanHead'),
    },
    TS={f'{_augment}.shift': None, 'model.criterion.view_weights': None},
)


def _row(parts, r5, r7):
    options = {}
    for part, removed in _without.items():
        if part not in parts:
            options.update(removed)
    return dict(label=', '.join(parts) or 'none', options=options, published={'R1@0.5': r5, 'R1@0.7': r7})


rows = {
    'none': _row([], 51.43, 28.87),
    'bmd': _row(['BMD'], 54.73, 33.28),
    'fs': _row(['FS'], 53.76, 32.13),
    'ls': _row(['LS'], 54.39, 32.23),
    'ts': _row(['TS'], 53.47, 31.12),
    'bmd_fs': _row(['BMD', 'FS'], 55.02, 33.64),
    'bmd_ls': _row(['BMD', 'LS'], 53.98, 33.53),
    'bmd_ts': _row(['BMD', 'TS'], 54.02, 33.42),
    'bmd_ls_ts': _row(['BMD', 'LS', 'TS'], 58.79, 35.04),
    'fs_ls_ts': _row(['FS', 'LS', 'TS'], 57.05, 36.42),
    'all': _row(['BMD', 'FS', 'LS', 'TS'], 59.48, 38.33),
}
