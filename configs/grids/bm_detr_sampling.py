# The figure has no numbers; the text says "around 7 points in R@1, IoU=0.7" for both data sets. Without the strategy any
# other query of the video is a negative.
_base_ = ['./_base_/bm_detr_charades.py']
name = 'bm_detr_sampling'
title = 'BM-DETR, figure 3 (left): which queries are negatives (Charades-STA test, ActivityNet-Captions val)'
options = dict(_delete_=True)

_any = {'train_dataloader.dataset.pipeline.augment.negative.max_iou': 1.01}  # equal words are left out all the same


def _mined(file):
    return {'train_dataloader.dataset.ann_file': file}


_anet = 'bm_detr/bm_detr_c3d_activitynet.py'
rows = dict(
    charades=dict(label='Charades-STA, sampling strategy', options=_mined('charades_train_negatives.jsonl')),
    charades_any=dict(label='Charades-STA, any query of the video', options=_any),
    activitynet=dict(
        label='ActivityNet-Captions, sampling strategy',
        base=_anet,
        options=_mined('activitynet_train_negatives.jsonl'),
    ),
    activitynet_any=dict(label='ActivityNet-Captions, any query of the video', base=_anet, options=_any),
)
