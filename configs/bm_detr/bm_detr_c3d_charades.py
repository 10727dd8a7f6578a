# BM-DETR on Charades-STA with C3D features at 1 s and CLIP text. The official loader expects 1024 channels, the usual size
# of I3D: for I3D features only the folder differs. C3D features of 4096 need dim=4096 and video_dims=4098.
_base_ = ['./bm_detr_charades.py']
dataset = dict(
    feature_spec=dict(streams=dict(slowfast=None, clip=None, c3d=dict(dim=1024))),
    stores=dict(slowfast=None, clip=None, c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy')),
)
model = dict(projector=dict(video_dims=1026))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
del dataset  # only a name of this file
