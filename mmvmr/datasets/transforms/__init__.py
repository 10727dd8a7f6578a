"""Transforms of a sample, and the sources of clip labels."""

from .highlight_targets import AnnotatorLabels, BinaryLabels, BuildHighlightTargets
from .labels import HighlightLabels, MomentLabels
from .loading import LoadMomentFeatures
from .masking import MaskTargets, ReplaceContext
from .packing import PackMomentInputs
from .probes import EmptyQuery, PositionOnly, ShuffleClips, SwapQuery
from .synthesis import SynthesizeVideo
from .targets import BuildMomentTargets
from .tef import AppendTEF

__all__ = [
    'AnnotatorLabels',
    'AppendTEF',
    'BinaryLabels',
    'BuildHighlightTargets',
    'BuildMomentTargets',
    'EmptyQuery',
    'HighlightLabels',
    'LoadMomentFeatures',
    'MaskTargets',
    'MomentLabels',
    'PackMomentInputs',
    'PositionOnly',
    'ReplaceContext',
    'ShuffleClips',
    'SwapQuery',
    'SynthesizeVideo',
]
