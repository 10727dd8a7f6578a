"""Decoders: moment queries read the memory."""

from .span_enhance import SpanEnhance
from .transformer_decoder import AnchorRefiner, DecoderLayer, NoEnhance, TransformerDecoder

__all__ = ['AnchorRefiner', 'DecoderLayer', 'NoEnhance', 'SpanEnhance', 'TransformerDecoder']
