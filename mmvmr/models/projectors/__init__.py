"""Projectors: input features to the width of the model."""

from .linear_projector import LearnedTextPosition, LinearProjector, ProjectionLayer
from .modality import ModalityEmbedding

__all__ = ['LearnedTextPosition', 'LinearProjector', 'ModalityEmbedding', 'ProjectionLayer']
