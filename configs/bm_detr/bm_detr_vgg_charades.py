# BM-DETR on Charades-STA with VGG features at 1 s (4096) and CLIP text. The official code assumes one vector per second
# for any features; other rates are refused until feature_spec.clip_len says them.
_base_ = ['./bm_detr_charades.py']
feature_spec = dict(streams=dict(slowfast=None, clip=None, vgg=dict(dim=4096)))
stores = dict(slowfast=None, clip=None, vgg=dict(type='FolderStore', folder='vgg_features', template='{vid}.npy'))
