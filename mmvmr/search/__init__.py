"""Searching a collection of videos for moments."""

from mmvmr.search.collection import Collection, IndexReport
from mmvmr.search.dataset_videos import DatasetVideos
from mmvmr.search.predictions import prediction_row
from mmvmr.search.ranking import SearchHit, SearchResult, search
from mmvmr.search.rerank import rerank
from mmvmr.search.scorers import MeanClipSimilarity, OtherPredictions

__all__ = [
    'Collection',
    'DatasetVideos',
    'IndexReport',
    'MeanClipSimilarity',
    'OtherPredictions',
    'SearchHit',
    'SearchResult',
    'prediction_row',
    'rerank',
    'search',
]
