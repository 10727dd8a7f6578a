# Mean probability of clips inside and outside the moments. Without negative queries the probability is that of the
# sentence alone, at inference it always is. TACoS and ActivityNet-Captions: the recipe is not the paper's. On QVHighlights
# nothing is mined: there are hardly two queries of a video.
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


def _pair(label, base, without, negative, mined=None):
    def row(name, figures, options):
        published = dict(zip(('GT', 'Non-GT', 'delta'), figures))
        return dict(label=name, base=f'bm_detr/bm_detr_{base}.py', options=options, published=published)

    file = {} if mined is None else {'train_dataloader.dataset.ann_file': f'{mined}_train_negatives.jsonl'}
    return row(label, without, _no_negative), row(f'{label}, negative queries', negative, file)


options = dict(_delete_=True)
_charades = _pair('Charades-STA', 'charades', (0.42, 0.20, 0.22), (0.56, 0.13, 0.43), 'charades')
_tacos = _pair('TACoS', 'c3d_tacos', (0.56, 0.18, 0.38), (0.60, 0.11, 0.49), 'tacos')
_anet = _pair('ActivityNet-Captions', 'c3d_activitynet', (0.52, 0.24, 0.28), (0.56, 0.21, 0.35), 'activitynet')
_qvhl = _pair('QVHighlights', 'qvhl', (0.67, 0.35, 0.32), (0.73, 0.28, 0.45))
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
