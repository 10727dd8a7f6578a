"""Building blocks shared by all stages."""

from .attention import (
    ConditionalCrossAttention,
    ConditionalSelfAttention,
    MultiheadAttention,
    QueryCrossAttention,
    QuerySelfAttention,
    attend,
    attend_heads,
    merge_heads,
    split_heads,
)
from .boundary_attention import BoundaryDeformation, BoundaryLayer
from .clusters import ClusterMeans, MeanGate, RandomWalkPropagation, soft_assign
from .conv_tower import ConvTower, MaskedConv
from .dynamics import DynamicsProjection, frame_differences
from .elementwise import Dropout, DropPath, PReLU, dropout, residual_dropout
from .frame_guide import FrameGuide
from .init import xavier_
from .local_attention import ProjectedAttention, attend_near
from .local_conv import ConvStack, LocalConvBlock
from .mlp import FFN, MLP, build_activation
from .modulators import GaussianModulator
from .pooling import (
    AttentionPool,
    ProjectedMeanPool,
    TanhAttentionPool,
    instance_token,
    masked_max,
    masked_mean,
    sentence_token,
)
from .position import ContentScale, SinePosition, sine_embedding
from .proposal_map import MaskedConvStack, SparseConvMap, SparseMaxMap
from .pyramid_layers import ConvAttentionLayer, ScaledFFN, ScaledPath, pool_max
from .query_position import (
    AnchorQueryPosition,
    LearnedQueryPosition,
    QueryPosition,
    SpanQueryPosition,
    inverse_sigmoid,
)
from .response_encoder import ResponseGRU, ResponseTransformer
from .slot_attention import SlotAttention
from .temporal_align import hat_weights, temporal_align, temporal_align_weights

__all__ = [
    'FFN',
    'MLP',
    'AnchorQueryPosition',
    'AttentionPool',
    'BoundaryDeformation',
    'BoundaryLayer',
    'ClusterMeans',
    'ConditionalCrossAttention',
    'ConditionalSelfAttention',
    'ContentScale',
    'ConvAttentionLayer',
    'ConvStack',
    'ConvTower',
    'DropPath',
    'Dropout',
    'DynamicsProjection',
    'FrameGuide',
    'GaussianModulator',
    'LearnedQueryPosition',
    'LocalConvBlock',
    'MaskedConv',
    'MaskedConvStack',
    'MeanGate',
    'MultiheadAttention',
    'PReLU',
    'ProjectedAttention',
    'ProjectedMeanPool',
    'QueryCrossAttention',
    'QueryPosition',
    'QuerySelfAttention',
    'RandomWalkPropagation',
    'ResponseGRU',
    'ResponseTransformer',
    'ScaledFFN',
    'ScaledPath',
    'SinePosition',
    'SlotAttention',
    'SpanQueryPosition',
    'SparseConvMap',
    'SparseMaxMap',
    'TanhAttentionPool',
    'attend',
    'attend_heads',
    'attend_near',
    'build_activation',
    'dropout',
    'frame_differences',
    'hat_weights',
    'instance_token',
    'inverse_sigmoid',
    'masked_max',
    'masked_mean',
    'merge_heads',
    'pool_max',
    'residual_dropout',
    'sentence_token',
    'sine_embedding',
    'soft_assign',
    'split_heads',
    'temporal_align',
    'temporal_align_weights',
    'xavier_',
]
