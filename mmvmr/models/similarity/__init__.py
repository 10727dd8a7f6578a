"""Similarity of clips and sentences, and predictors that need no training."""

from mmvmr.models.similarity.predictors import PositionPrior, RandomWindows, SimilarityWindows
from mmvmr.models.similarity.scene_windows import SceneWindows
from mmvmr.models.similarity.segmentation import SceneSegmentation, scene_excess
from mmvmr.models.similarity.similarity_map import SimilarityMap, neighbour_mean, relative_similarity
from mmvmr.models.similarity.window_search import choose_windows, contrast_windows, scene_changes

__all__ = [
    'PositionPrior',
    'RandomWindows',
    'SceneSegmentation',
    'SceneWindows',
    'SimilarityMap',
    'SimilarityWindows',
    'choose_windows',
    'contrast_windows',
    'neighbour_mean',
    'relative_similarity',
    'scene_changes',
    'scene_excess',
]
