# I3D (Kinetics, RGB) at 1 s and GloVe words; words that GloVe does not know have the zero vector.
feature_spec = dict(streams=dict(i3d=dict(dim=1024)), text=dict(dim=300, max_length=32), clip_len=1.0)
extractors = dict(
    i3d=dict(type='I3DExtractor', checkpoint='checkpoints/rgb_imagenet.pt'),
    text=dict(type='WordVectorExtractor', file='checkpoints/glove.6B.300d.txt', folder='glove_features'),
)
