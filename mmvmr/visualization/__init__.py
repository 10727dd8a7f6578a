"""Figures, and the visualizer that writes to TensorBoard, W&B or plain files."""

from mmvmr.visualization.curves import draw_seed_points, draw_validation_curves, read_validations, validation_history
from mmvmr.visualization.dataset_figures import draw_distributions, draw_examples, draw_locations
from mmvmr.visualization.figures import MomentsOfQuery, draw_moments, draw_training_curves, moments_of, spread_by_iou
from mmvmr.visualization.visualizer import MomentVisualizer

__all__ = [
    'MomentVisualizer',
    'MomentsOfQuery',
    'draw_distributions',
    'draw_examples',
    'draw_locations',
    'draw_moments',
    'draw_seed_points',
    'draw_training_curves',
    'draw_validation_curves',
    'moments_of',
    'read_validations',
    'spread_by_iou',
    'validation_history',
]
