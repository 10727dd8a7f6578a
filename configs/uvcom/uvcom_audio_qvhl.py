# UVCOM on QVHighlights with audio (PANN, 2048 channels), which has its own projection and is added to the video.
_base_ = ['./uvcom_qvhl.py']
model = dict(projector=dict(audio_dims=2048))
feature_spec = dict(streams=dict(pann=dict(dim=2048)))
stores = dict(pann=dict(type='FolderStore', folder='pann_features', template='{vid}.npy'))
