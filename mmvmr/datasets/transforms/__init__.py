"""Transforms of a sample, and the sources of clip labels."""

from mmvmr.datasets.transforms.cropping import CropClips
from mmvmr.datasets.transforms.extra_inputs import LoadClipScores, LoadPatches, LoadStaticQuery
from mmvmr.datasets.transforms.false_premise import FalsePremise
from mmvmr.datasets.transforms.highlight_targets import AnnotatorLabels, BinaryLabels, BuildHighlightTargets
from mmvmr.datasets.transforms.labels import HighlightLabels, MomentLabels
from mmvmr.datasets.transforms.loading import LoadMomentFeatures
from mmvmr.datasets.transforms.masking import MaskTargets, ReplaceContext
from mmvmr.datasets.transforms.moment_mix import BackgroundMix, ForegroundMix
from mmvmr.datasets.transforms.negative_query import NegativeQuery
from mmvmr.datasets.transforms.packing import PackMomentInputs
from mmvmr.datasets.transforms.probes import EmptyQuery, PositionOnly, ShuffleClips, SwapQuery
from mmvmr.datasets.transforms.query_roles import SplitQuery
from mmvmr.datasets.transforms.resampling import LoadResampledFeatures, PoolClips, ResampleClips
from mmvmr.datasets.transforms.shifting import ShiftMoment
from mmvmr.datasets.transforms.synthesis import SynthesizeVideo
from mmvmr.datasets.transforms.targets import BuildMomentTargets
from mmvmr.datasets.transforms.tef import AppendTEF

__all__ = [
    'AnnotatorLabels',
    'AppendTEF',
    'BackgroundMix',
    'BinaryLabels',
    'BuildHighlightTargets',
    'BuildMomentTargets',
    'CropClips',
    'EmptyQuery',
    'FalsePremise',
    'ForegroundMix',
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
    'SynthesizeVideo',
]
