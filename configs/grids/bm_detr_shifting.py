# The figure has no numbers. Videos of any length are shifted in it.
_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_shifting'
title = 'BM-DETR, figure 3 (right): temporal shifting (Charades-STA and TACoS test)'
options = dict(_delete_=True)

_shift = 'train_dataloader.dataset.pipeline.augment.shift'


def _rows(base, file, without):
    mined = {'train_dataloader.dataset.ann_file': file}
    return (
        dict(label='shifting', base=base, options={**mined, f'{_shift}.max_duration': 1e9}),
        dict(label='no shifting', base=base, options={**mined, _shift: None, **without}),
    )


def _named(row, data):
    return {**row, 'label': f'{data}, {row["label"]}'}


_charades = _rows(
    'bm_detr/bm_detr_charades.py', 'charades_train_negatives.jsonl', {'model.criterion.view_weights': None}
)
_tacos = _rows('bm_detr/bm_detr_c3d_tacos.py', 'tacos_train_negatives.jsonl', {})
rows = dict(
    charades=_named(_charades[0], 'Charades-STA'),
    charades_none=_named(_charades[1], 'Charades-STA'),
    tacos=_named(_tacos[0], 'TACoS'),
    tacos_none=_named(_tacos[1], 'TACoS'),
)
