# Mean probability of clips inside and outside the moments. Without negative queries the probability is that of the
# sentence alone, at inference it always is. TACoS and ActivityNet-Captions: features and recipe are not the paper's.
_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_frame_probability'
title = 'BM-DETR, table 9: joint probability of clips'
robustness = ['--splits', 'val', '--probes', 'plain', '--quiet']
metrics = dict(
    _delete_=True,
    **{
        'GT': 'robustness/val/frame_probability/inside',
        'Non-GT': 'robustness/val/frame_probability/outside',
        'delta': 'robustness/val/frame_probability/difference',
        'R1@0.5': 'MR-full-R1@0.5',
    },
)

_no_negative = {'train_dataloader.dataset.pipeline.augment.negative': None}


def _pair(label, base, without, negative):
    def row(name, figures, options):
        published = dict(zip(('GT', 'Non-GT', 'delta'), figures))
        return dict(label=name, base=base, options=options, published=published)

    return row(label, without, _no_negative), row(f'{label}, negative queries', negative, {})


_charades = _pair('Charades-STA', 'bm_detr/bm_detr_charades.py', (0.42, 0.20, 0.22), (0.56, 0.13, 0.43))
_tacos = _pair('TACoS', 'bm_detr/bm_detr_tacos.py', (0.56, 0.18, 0.38), (0.60, 0.11, 0.49))
_anet = _pair('ActivityNet-Captions', 'bm_detr/bm_detr_activitynet.py', (0.52, 0.24, 0.28), (0.56, 0.21, 0.35))
_qvhl = _pair('QVHighlights', 'bm_detr/bm_detr_qvhl.py', (0.67, 0.35, 0.32), (0.73, 0.28, 0.45))
rows = dict(
    charades=_charades[0],
    charades_negative=_charades[1],
    tacos=_tacos[0],
    tacos_negative=_tacos[1],
    activitynet=_anet[0],
    activitynet_negative=_anet[1],
    qvhl=_qvhl[0],
    qvhl_negative=_qvhl[1],
)
