"""Detectors: the templates that wire the stages."""

from mmvmr.models.detectors.base_detector import BaseDetector
from mmvmr.models.detectors.fitted_detector import FittedDetector
from mmvmr.models.detectors.moment_detector import MomentDetector
from mmvmr.models.detectors.point_detector import PointDetector
from mmvmr.models.detectors.proposal_map_detector import ProposalMapDetector
from mmvmr.models.detectors.similarity_detector import SimilarityDetector
from mmvmr.models.detectors.sliding_windows import SlidingWindows

__all__ = [
    'BaseDetector',
    'FittedDetector',
    'MomentDetector',
    'PointDetector',
    'ProposalMapDetector',
    'SimilarityDetector',
    'SlidingWindows',
]
