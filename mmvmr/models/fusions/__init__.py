"""Fusions bring text into video: ``fusion(features)`` takes projected inputs and returns fused ones."""

from mmvmr.models.fusions.adaptive_cross import AdaptiveCrossAttention, AdaptiveCrossFusion
from mmvmr.models.fusions.context_query import ContextQueryAttention, ContextQueryFusion, SequentialFusion
from mmvmr.models.fusions.modulated_cross import ModulatedCrossFusion, ModulatedCrossLayer
from mmvmr.models.fusions.mutual_cross import MutualCrossFusion
from mmvmr.models.fusions.recurrent_layers import RecurrentLayerFusion, RefinementFusion, RefinementLayer
from mmvmr.models.fusions.shared_cross import SharedCrossFusion
from mmvmr.models.fusions.similarity_bias import SimilarityBias
from mmvmr.models.fusions.temporal_dynamics import DynamicsCrossFusion, DynamicsCrossLayer, TemporalDynamicsFusion
from mmvmr.models.fusions.text_to_video import CrossEncoderLayer, NoFusion, TextToVideoFusion, head_major_mask

__all__ = [
    'AdaptiveCrossAttention',
    'AdaptiveCrossFusion',
    'ContextQueryAttention',
    'ContextQueryFusion',
    'CrossEncoderLayer',
    'DynamicsCrossFusion',
    'DynamicsCrossLayer',
    'ModulatedCrossFusion',
    'ModulatedCrossLayer',
    'MutualCrossFusion',
    'NoFusion',
    'RecurrentLayerFusion',
    'RefinementFusion',
    'RefinementLayer',
    'SequentialFusion',
    'SharedCrossFusion',
    'SimilarityBias',
    'TemporalDynamicsFusion',
    'TextToVideoFusion',
    'head_major_mask',
]
