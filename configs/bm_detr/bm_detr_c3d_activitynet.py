# BM-DETR on ActivityNet-Captions with C3D features (500 channels, after PCA) and CLIP text, the kind of features that
# the paper has. Their rate differs from video to video, so each is brought to 200 clips, our decision.
_base_ = ['./bm_detr_activitynet.py']
model = dict(postprocessor=dict(round_to=None))
feature_spec = dict(streams=dict(slowfast=None, clip=None, c3d=dict(dim=500)))
stores = dict(slowfast=None, clip=None, c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy'))
_load = dict(_delete_=True, type='LoadResampledFeatures', length=200, clip_time='duration')
_dataset = dict(pipeline=dict(load=_load))
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
