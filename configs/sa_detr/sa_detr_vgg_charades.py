# SA-DETR on Charades-STA (VGG at 1/8 s, GloVe), last row of table 9 of the paper: no alignment losses.
# Features cut at 1/6 s (CG-DETR's): --cfg-options with feature_spec.clip_len=0.166666 for every data loader.
_base_ = [
    '../_base_/models/sa_detr_no_align.py',
    '../_base_/datasets/charades_vgg.py',
    '../_base_/schedules/schedule_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(projector=dict(video_dims=4098, text_dims=300))
train_dataloader = dict(dataset=dict(feature_spec=dict(clip_len=0.125)))
val_dataloader = dict(dataset=dict(feature_spec=dict(clip_len=0.125)))
test_dataloader = val_dataloader
