"""Networks that turn frames or sound into feature vectors, written here, with the names of published checkpoints."""

from .cnn14 import Cnn14
from .inception_i3d import InceptionI3D
from .log_mel import LogMel
from .slowfast import SlowFast
from .weights import is_plain_pickle, load_weights, read_numpy_pickle, read_state_dict

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
