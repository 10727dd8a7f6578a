"""Data sets, feature stores, transforms and batches."""

from mmvmr.datasets.annotations import AnnotationReader
from mmvmr.datasets.collate import moment_collate, video_collate
from mmvmr.datasets.combined import ConcatDataset, RepeatDataset
from mmvmr.datasets.joined_videos import JoinedVideos
from mmvmr.datasets.moment_dataset import BaseMomentDataset, MomentDataset
from mmvmr.datasets.pipeline import MomentPipeline
from mmvmr.datasets.rng import SeededRng
from mmvmr.datasets.samplers.batch_samplers import VideoBatchSampler
from mmvmr.datasets.samplers.bucket_sampler import BucketBatchSampler
from mmvmr.datasets.samplers.nearby_sampler import NearbyQuerySampler
from mmvmr.datasets.samplers.partners import DissimilarVideoSampler, RandomVideoSampler, SimilarVideoSampler
from mmvmr.datasets.samplers.similar_videos import SimilarVideos
from mmvmr.datasets.samplers.video_sampler import VideoSampler
from mmvmr.datasets.stores.feature_stores import ArrayStore, FolderStore, HDF5Store
from mmvmr.datasets.stores.joined_store import JoinedStore
from mmvmr.datasets.stores.packed_store import PackedStore
from mmvmr.datasets.stores.parts_store import PartsStore
from mmvmr.datasets.stores.token_store import TokenIdStore
from mmvmr.datasets.stores.word_vectors import WordVectorStore
from mmvmr.datasets.synthetic.dataset import SyntheticMoments
from mmvmr.datasets.transforms import *  # noqa: F403
from mmvmr.datasets.transforms import __all__ as _transforms
from mmvmr.datasets.transforms.query_tags import HalfSplit, LexiconSplit, TagSplit

__all__ = [
    'AnnotationReader',
    'ArrayStore',
    'BaseMomentDataset',
    'BucketBatchSampler',
    'ConcatDataset',
    'DissimilarVideoSampler',
    'FolderStore',
    'HDF5Store',
    'HalfSplit',
    'JoinedStore',
    'JoinedVideos',
    'LexiconSplit',
    'MomentDataset',
    'MomentPipeline',
    'NearbyQuerySampler',
    'PackedStore',
    'PartsStore',
    'RandomVideoSampler',
    'RepeatDataset',
    'SeededRng',
    'SimilarVideoSampler',
    'SimilarVideos',
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
