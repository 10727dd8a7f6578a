"""Transforms of a sample, and the sources of clip labels."""

from .cropping import CropClips
from .highlight_targets import AnnotatorLabels, BinaryLabels, BuildHighlightTargets
from .labels import HighlightLabels, MomentLabels
from .loading import LoadMomentFeatures
from .masking import MaskTargets, ReplaceContext
from .negative_query import NegativeQuery
from .packing import PackMomentInputs
from .pair_synthesis import SynthesizePair
from .patches import LoadPatches
from .pooling import PoolClips
from .priors import LoadClipScores
from .probes import EmptyQuery, PositionOnly, ShuffleClips, SwapQuery
from .query_roles import LoadStaticQuery, SplitQuery
from .resampling import LoadResampledFeatures, ResampleClips
from .shifting import ShiftMoment
from .synthesis import SynthesizeVideo
from .targets import BuildMomentTargets
from .tef import AppendTEF

__all__ = [
    'AnnotatorLabels',
    'AppendTEF',
    'BinaryLabels',
    'BuildHighlightTargets',
    'BuildMomentTargets',
    'CropClips',
    'EmptyQuery',
    'HighlightLabels',
    'LoadClipScores',
    'LoadMomentFeatures',
    'LoadPatches',
    'LoadResampledFeatures',
    'LoadStaticQuery',
    'MaskTargets',
    'MomentLabels',
    'NegativeQuery',
    'PackMomentInputs',
    'PoolClips',
    'PositionOnly',
    'ReplaceContext',
    'ResampleClips',
    'ShiftMoment',
    'ShuffleClips',
    'SplitQuery',
    'SwapQuery',
    'SynthesizePair',
    'SynthesizeVideo',
]
