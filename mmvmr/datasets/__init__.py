"""Data sets, feature stores, transforms and batches."""

from .annotations import AnnotationReader
from .batch_samplers import VideoBatchSampler
from .collate import moment_collate, video_collate
from .draws import SeededDraws
from .feature_stores import ArrayStore, FolderStore, HDF5Store, WordVectorStore
from .joined_store import JoinedStore
from .moment_dataset import BaseMomentDataset, MomentDataset
from .nearby_sampler import NearbyQuerySampler
from .packed_store import PackedStore
from .pair_sampler import PairBatchSampler
from .paired_dataset import PairedDataset
from .partners import DissimilarVideoSampler, RandomVideoSampler, SimilarVideoSampler
from .pipeline import MomentPipeline
from .query_tags import HalfSplit, LexiconSplit, SpacyTagger, TagSplit
from .samplers import VideoSampler
from .similar_videos import SimilarVideos
from .synthetic import SyntheticMoments
from .token_store import TokenIdStore
from .transforms import *  # noqa: F403
from .transforms import __all__ as _transforms

__all__ = [
    'AnnotationReader',
    'ArrayStore',
    'BaseMomentDataset',
    'DissimilarVideoSampler',
    'FolderStore',
    'HDF5Store',
    'HalfSplit',
    'JoinedStore',
    'LexiconSplit',
    'MomentDataset',
    'MomentPipeline',
    'NearbyQuerySampler',
    'PackedStore',
    'PairBatchSampler',
    'PairedDataset',
    'RandomVideoSampler',
    'SeededDraws',
    'SimilarVideoSampler',
    'SimilarVideos',
    'SpacyTagger',
    'SyntheticMoments',
    'TagSplit',
    'TokenIdStore',
    'VideoBatchSampler',
    'VideoSampler',
    'WordVectorStore',
    'moment_collate',
    'video_collate',
    *_transforms,
]
