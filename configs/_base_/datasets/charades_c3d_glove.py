# Charades-STA: C3D (16 frames every 4), each video at 256 clips; GloVe. Video 4096, text 300.
_base_ = ['./charades_i3d_glove.py']
feature_spec = dict(streams=dict(rgb=None, flow=None, c3d=dict(dim=4096, normalise='none')))
stores = dict(c3d=dict(type='FolderStore', folder='c3d_features', template='{vid}.npy'))
