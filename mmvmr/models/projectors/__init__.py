"""Projectors: input features to the width of the model."""

from .clip_pool_projector import ClipPoolProjector
from .linear_projector import LearnedTextPosition, LinearProjector, ProjectionLayer
from .modality import ModalityEmbedding
from .plain_projector import PlainProjector
from .text_encoder import TransformersTextEncoder

__all__ = [
    'ClipPoolProjector',
    'LearnedTextPosition',
    'LinearProjector',
    'ModalityEmbedding',
    'PlainProjector',
    'ProjectionLayer',
    'TransformersTextEncoder',
]
