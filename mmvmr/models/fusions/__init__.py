"""Fusions: bring text into video, features to features."""

from .adaptive_cross import AdaptiveCrossAttention, AdaptiveCrossFusion
from .context_query import ContextQueryFusion, SequentialFusion
from .modulated_cross import ModulatedCrossFusion, ModulatedCrossLayer
from .mutual_cross import MutualCrossFusion
from .shared_cross import SharedCrossFusion
from .temporal_dynamics import DynamicsCrossFusion, DynamicsCrossLayer, TemporalDynamicsFusion
from .text_to_video import CrossEncoderLayer, NoFusion, TextToVideoFusion, head_major_mask

__all__ = [
    'AdaptiveCrossAttention',
    'AdaptiveCrossFusion',
    'ContextQueryFusion',
    'CrossEncoderLayer',
    'DynamicsCrossFusion',
    'DynamicsCrossLayer',
    'ModulatedCrossFusion',
    'ModulatedCrossLayer',
    'MutualCrossFusion',
    'NoFusion',
    'SequentialFusion',
    'SharedCrossFusion',
    'TemporalDynamicsFusion',
    'TextToVideoFusion',
    'head_major_mask',
]
