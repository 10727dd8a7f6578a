# L: span, gIoU and class losses. L_m: frame margin. L_s: semantic alignment. L_p: frame probability.
# The check marks of the two lowest rows are lost in the available text: 18.36 / 5.31 is taken for the model without L,
# 29.02 / 14.63 is left out.
_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_losses'
title = 'BM-DETR, table 8: losses (Charades-STA test)'

_losses = 'model.criterion.losses'
_removed = {'L_m': f'{_losses}.saliency_margin', 'L_s': f'{_losses}.alignment', 'L_p': f'{_losses}.frame_guidance'}
_unsure = 'check marks as far as the available text shows them'


def _row(parts, r5=None, r7=None, note=''):
    options = {key: None for part, key in _removed.items() if part not in parts}
    if 'L_m' not in parts:  # nothing trains the saliency head
        options['find_unused_parameters'] = True
    published = {} if r5 is None else {'R1@0.5': r5, 'R1@0.7': r7}
    return dict(label=', '.join(['L', *parts]), options=options, published=published, note=note)


rows = {
    'without_l': dict(
        label='L_m, L_s, L_p',
        options={
            'model.criterion.assigner': None,
            'find_unused_parameters': True,
            **{f'{_losses}.{name}': None for name in ('span', 'giou', 'label')},
        },
        published={'R1@0.5': 18.36, 'R1@0.7': 5.31},
        note='the paper prints no check mark in this row',
    ),
    'l': _row([]),
    'l_m': _row(['L_m'], 56.49, 36.11, _unsure),
    'l_s': _row(['L_s'], 57.42, 36.01, _unsure),
    'l_p': _row(['L_p'], 56.32, 35.45, _unsure),
    'l_m_p': _row(['L_m', 'L_p'], 58.10, 36.23, _unsure),
    'l_s_p': _row(['L_s', 'L_p'], 57.84, 36.70, _unsure),
    'l_m_s': _row(['L_m', 'L_s'], 58.68, 37.59, _unsure),
    'all': _row(['L_m', 'L_s', 'L_p'], 59.48, 38.33),
}
