"""Projectors: input features to the width of the model."""

from .linear_projector import LinearProjector, ProjectionLayer
from .modality import ModalityEmbedding

__all__ = ['LinearProjector', 'ModalityEmbedding', 'ProjectionLayer']
