"""Decoders: moment queries attend to the memory."""

from mmvmr.models.decoders.dual_path_decoder import DualPathDecoder
from mmvmr.models.decoders.gated_fusion import GatedFusion
from mmvmr.models.decoders.sequential_enhance import SequentialEnhance
from mmvmr.models.decoders.span_enhance import SpanEnhance
from mmvmr.models.decoders.transformer_decoder import AnchorRefiner, DecoderLayer, NoEnhance, TransformerDecoder

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
