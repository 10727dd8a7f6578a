# BM-DETR on Charades-STA with C3D features at 1 s and CLIP text. The official loader expects 1024 channels, the usual size
# of I3D: for I3D features only the folder differs. C3D features of 4096 need dim=4096.
_base_ = ['./bm_detr_charades.py']
feature_spec = dict(streams=dict(slowfast=None, clip=None, c3d=dict(dim=1024)))
stores = dict(slowfast=None, clip=None, c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy'))
