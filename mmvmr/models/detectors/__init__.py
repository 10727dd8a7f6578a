"""Detectors: the templates that wire the stages."""

from .base_detector import BaseDetector
from .moment_detector import MomentDetector
from .point_detector import PointDetector
from .proposal_map_detector import ProposalMapDetector
from .sliding_windows import SlidingWindows

__all__ = [
    'BaseDetector',
    'MomentDetector',
    'PointDetector',
    'ProposalMapDetector',
    'SlidingWindows',
]
