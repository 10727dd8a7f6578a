"""Decoders: moment queries read the memory."""

from .transformer_decoder import AnchorRefiner, DecoderLayer, NoEnhance, TransformerDecoder

__all__ = ['AnchorRefiner', 'DecoderLayer', 'NoEnhance', 'TransformerDecoder']
