"""Encoders: projected features to the memory that decoder and heads read."""

from .global_token_encoder import GlobalToken, GlobalTokenEncoder
from .joint_encoder import JointEncoder
from .multi_modal_align_encoder import MultiModalAlignEncoder
from .negative_pair_encoder import NegativePairEncoder
from .transformer import EncoderLayer, TransformerEncoder
from .video_context_encoder import VideoContextEncoder

__all__ = [
    'EncoderLayer',
    'GlobalToken',
    'GlobalTokenEncoder',
    'JointEncoder',
    'MultiModalAlignEncoder',
    'NegativePairEncoder',
    'TransformerEncoder',
    'VideoContextEncoder',
]
