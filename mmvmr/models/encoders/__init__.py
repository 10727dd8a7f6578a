"""Encoders: projected features to the memory that decoder and heads read."""

from .global_token_encoder import GlobalToken, GlobalTokenEncoder
from .joint_encoder import JointEncoder
from .negative_pair_encoder import NegativePairEncoder
from .transformer import EncoderLayer, TransformerEncoder

__all__ = [
    'EncoderLayer',
    'GlobalToken',
    'GlobalTokenEncoder',
    'JointEncoder',
    'NegativePairEncoder',
    'TransformerEncoder',
]
