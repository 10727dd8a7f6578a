"""Transforms of a sample, and the sources of clip labels."""

from .highlight_targets import AnnotatorLabels, BinaryLabels, BuildHighlightTargets
from .labels import HighlightLabels, MomentLabels
from .loading import LoadMomentFeatures
from .packing import PackMomentInputs
from .targets import BuildMomentTargets
from .tef import AppendTEF

__all__ = [
    'AnnotatorLabels',
    'AppendTEF',
    'BinaryLabels',
    'BuildHighlightTargets',
    'BuildMomentTargets',
    'HighlightLabels',
    'LoadMomentFeatures',
    'MomentLabels',
    'PackMomentInputs',
]
