"""Projectors: input features to the width of the model."""

from .linear_projector import LinearProjector, ProjectionLayer

__all__ = ['LinearProjector', 'ProjectionLayer']
