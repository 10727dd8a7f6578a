# SA-DETR on Charades-STA (VGG at 1/8 s, GloVe), last row of table 9 of the paper: no alignment losses.
# Features cut at 1/6 s (CG-DETR's): --cfg-options feature_spec.clip_len=0.166666
_base_ = [
    '../_base_/models/sa_detr.py',
    '../_base_/datasets/charades_vgg.py',
    '../_base_/schedules/schedule_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(
        losses=dict(
            quality=dict(matched_weight=10.0),
            video_text=None,
            clip_local=None,
            clip_intra=None,
            clip_inter=None,
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    )
)
feature_spec = dict(clip_len=0.125)
