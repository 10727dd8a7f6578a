"""Searching a collection of videos for moments."""

from mmvmr.search.collection import Collection, IndexReport
from mmvmr.search.ranking import SearchHit, search

__all__ = ['Collection', 'IndexReport', 'SearchHit', 'search']
