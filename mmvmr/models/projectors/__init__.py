"""Projectors: input features to the width of the model."""

from .clip_pool_projector import ClipPoolProjector
from .linear_projector import LearnedTextPosition, LinearProjector, ProjectionLayer
from .modality import ModalityEmbedding
from .text_encoder import TransformersTextEncoder

__all__ = [
    'ClipPoolProjector',
    'LearnedTextPosition',
    'LinearProjector',
    'ModalityEmbedding',
    'ProjectionLayer',
    'TransformersTextEncoder',
]
