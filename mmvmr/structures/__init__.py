"""Data structures: samples, what flows through a detector, span arithmetic."""

from .feature_spec import FeatureSpec, StreamSpec
from .flow import (
    Decoded,
    Features,
    JointSpace,
    Memory,
    MomentTargets,
    Outputs,
    Points,
    PredictionSet,
    Proposals,
    Queries,
    QueryGroup,
    Tokens,
    map_tensors,
)
from .moment_data_sample import MomentDataSample, source_video
from .spans import (
    clip_centers,
    moments_to_start_end,
    paired_giou,
    paired_iou,
    pairwise_giou,
    pairwise_iou,
    spans_to_moments,
    to_center_width,
    to_start_end,
)

__all__ = [
    'Decoded',
    'FeatureSpec',
    'Features',
    'JointSpace',
    'Memory',
    'MomentDataSample',
    'MomentTargets',
    'Outputs',
    'Points',
    'PredictionSet',
    'Proposals',
    'Queries',
    'QueryGroup',
    'StreamSpec',
    'Tokens',
    'clip_centers',
    'map_tensors',
    'moments_to_start_end',
    'paired_giou',
    'paired_iou',
    'pairwise_giou',
    'pairwise_iou',
    'source_video',
    'spans_to_moments',
    'to_center_width',
    'to_start_end',
]
