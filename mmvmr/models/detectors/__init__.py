"""Detectors: the templates that wire the stages."""

from .moment_detector import MomentDetector

__all__ = ['MomentDetector']
