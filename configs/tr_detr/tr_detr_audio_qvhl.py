# TR-DETR on QVHighlights with audio (PANN, 2048 channels in addition to those of the video), as published. The official
# code appends the temporal endpoints twice, to video and to audio; once here.
_base_ = ['./tr_detr_qvhl.py']
model = dict(
    criterion=dict(losses=dict(clip_local=dict(weight=0.3))),
)
feature_spec = dict(streams=dict(pann=dict(dim=2048)))
stores = dict(pann=dict(type='FolderStore', folder='pann_features', template='{vid}.npy'))
