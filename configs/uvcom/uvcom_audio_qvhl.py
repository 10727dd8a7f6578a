# UVCOM on QVHighlights with audio (PANN, 2048 channels), which has a projection of its own and is added to the video.
_base_ = ['./uvcom_qvhl.py']
model = dict(projector=dict(video_dims=4866, audio_dims=2048))
feature_spec = dict(streams=dict(pann=dict(dim=2048)))
stores = dict(pann=dict(type='FolderStore', folder='pann_features', template='{vid}.npy'))
train_dataloader = dict(dataset=dict(feature_spec=feature_spec, stores=stores))
val_dataloader = dict(dataset=dict(feature_spec=feature_spec, stores=stores))
test_dataloader = val_dataloader
del feature_spec, stores
