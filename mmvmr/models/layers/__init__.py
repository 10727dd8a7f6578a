"""Building blocks shared by all stages."""

from mmvmr.models.layers.attention import MultiheadAttention, merge_heads, split_heads
from mmvmr.models.layers.boundary_attention import BoundaryDeformation, BoundaryLayer
from mmvmr.models.layers.clusters import ClusterMeans, MeanGate, RandomWalkPropagation, kmeans
from mmvmr.models.layers.conv_pyramid import ConvPyramid, ScoreTower
from mmvmr.models.layers.conv_tower import ConvTower, MaskedConv
from mmvmr.models.layers.dynamics import DynamicsProjection, frame_differences
from mmvmr.models.layers.elementwise import Dropout, DropPath, PReLU, dropout, residual_dropout
from mmvmr.models.layers.frame_guide import FrameGuide
from mmvmr.models.layers.init import truncated_normal_, xavier_
from mmvmr.models.layers.local_attention import ProjectedAttention
from mmvmr.models.layers.local_conv import ConvStack, LocalConvBlock
from mmvmr.models.layers.mlp import FFN, MLP
from mmvmr.models.layers.modulators import GaussianModulator
from mmvmr.models.layers.pooling import (
    AttentionPool,
    ProjectedMeanPool,
    TanhAttentionPool,
    instance_token,
    masked_max,
    masked_mean,
    sentence_token,
)
from mmvmr.models.layers.position import ContentScale, SinePosition
from mmvmr.models.layers.proposal_map import MaskedConvStack, SparseConvMap, SparseMaxMap
from mmvmr.models.layers.pyramid_layers import ConvAttentionLayer, ScaledFFN, ScaledPath
from mmvmr.models.layers.query_attention import (
    ConditionalCrossAttention,
    ConditionalSelfAttention,
    QueryCrossAttention,
    QuerySelfAttention,
)
from mmvmr.models.layers.query_position import (
    AnchorQueryPosition,
    LearnedQueryPosition,
    QueryPosition,
    SpanQueryPosition,
    inverse_sigmoid,
)
from mmvmr.models.layers.response_encoder import ResponseGRU, ResponseTransformer
from mmvmr.models.layers.slot_attention import SlotAttention
from mmvmr.models.layers.temporal_align import temporal_align, temporal_align_weights

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
    'ConvPyramid',
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
    'ScoreTower',
    'SinePosition',
    'SlotAttention',
    'SpanQueryPosition',
    'SparseConvMap',
    'SparseMaxMap',
    'TanhAttentionPool',
    'dropout',
    'frame_differences',
    'instance_token',
    'inverse_sigmoid',
    'kmeans',
    'masked_max',
    'masked_mean',
    'merge_heads',
    'residual_dropout',
    'sentence_token',
    'split_heads',
    'temporal_align',
    'temporal_align_weights',
    'truncated_normal_',
    'xavier_',
]
