"""Building blocks shared by all stages."""

from .attention import (
    ConditionalCrossAttention,
    ConditionalSelfAttention,
    MultiheadAttention,
    QueryCrossAttention,
    QuerySelfAttention,
    attend,
    merge_heads,
    split_heads,
)
from .init import xavier_
from .mlp import FFN, MLP, build_activation
from .position import SinePosition, sine_embedding
from .query_position import (
    AnchorQueryPosition,
    LearnedQueryPosition,
    QueryPosition,
    SpanQueryPosition,
    inverse_sigmoid,
)

__all__ = [
    'FFN',
    'MLP',
    'AnchorQueryPosition',
    'ConditionalCrossAttention',
    'ConditionalSelfAttention',
    'LearnedQueryPosition',
    'MultiheadAttention',
    'QueryCrossAttention',
    'QueryPosition',
    'QuerySelfAttention',
    'SinePosition',
    'SpanQueryPosition',
    'attend',
    'build_activation',
    'inverse_sigmoid',
    'merge_heads',
    'sine_embedding',
    'split_heads',
    'xavier_',
]
