"""Detectors: the templates that wire the stages."""

from .base_detector import BaseDetector
from .moment_detector import MomentDetector

__all__ = ['BaseDetector', 'MomentDetector']
