"""Similarity of clips and sentences, and predictors that need no training."""

from mmvmr.models.similarity.predictors import PositionPrior, RandomWindows, SimilarityWindows
from mmvmr.models.similarity.similarity_map import SimilarityMap, relative_similarity
from mmvmr.models.similarity.window_search import contrast_windows, scene_changes

__all__ = [
    'PositionPrior',
    'RandomWindows',
    'SimilarityMap',
    'SimilarityWindows',
    'contrast_windows',
    'relative_similarity',
    'scene_changes',
]
