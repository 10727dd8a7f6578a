# CG-DETR on QVHighlights with CLIP features alone (the official repository releases a checkpoint).
_base_ = ['./cg_detr_qvhl.py']
model = dict(projector=dict(video_dims=514))
feature_spec = dict(
    _delete_=True, streams=dict(clip=dict(dim=512)), text=dict(dim=512, max_length=32), clip_len=2.0, max_clips=75
)
stores = dict(slowfast=None)
train_dataloader = dict(dataset=dict(feature_spec=feature_spec, stores=stores))
val_dataloader = dict(dataset=dict(feature_spec=feature_spec, stores=stores))
test_dataloader = val_dataloader
del feature_spec, stores
