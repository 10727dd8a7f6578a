"""Networks that turn frames or sound into feature vectors, written here, with the names of published checkpoints."""

from mmvmr.features.networks.cnn14 import Cnn14
from mmvmr.features.networks.inception_i3d import InceptionI3D
from mmvmr.features.networks.log_mel import LogMel
from mmvmr.features.networks.slowfast import SlowFast
from mmvmr.features.networks.weights import is_plain_pickle, load_weights, read_numpy_pickle, read_state_dict

__all__ = [
    'Cnn14',
    'InceptionI3D',
    'LogMel',
    'SlowFast',
    'is_plain_pickle',
    'load_weights',
    'read_numpy_pickle',
    'read_state_dict',
]
