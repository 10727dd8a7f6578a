"""Decoders: moment queries read the memory."""

from .dual_path_decoder import DualPathDecoder
from .gated_fusion import GatedFusion
from .sequential_enhance import SequentialEnhance
from .span_enhance import SpanEnhance
from .transformer_decoder import AnchorRefiner, DecoderLayer, NoEnhance, TransformerDecoder

__all__ = [
    'AnchorRefiner',
    'DecoderLayer',
    'DualPathDecoder',
    'GatedFusion',
    'NoEnhance',
    'SequentialEnhance',
    'SpanEnhance',
    'TransformerDecoder',
]
