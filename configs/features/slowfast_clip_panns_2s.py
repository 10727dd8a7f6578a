# The streams of slowfast_clip_2s.py, and the sound: Cnn14 of PANNs. A video without a sound track is reported.
_base_ = ['./slowfast_clip_2s.py']
feature_spec = dict(streams=dict(panns=dict(dim=2048)))
extractors = dict(panns=dict(type='PANNsExtractor', checkpoint='checkpoints/Cnn14_mAP=0.431.pth'))
