"""Extractors, registered in :data:`mmvmr.registry.EXTRACTORS` when this module is imported."""

from .clip import CLIPImageExtractor, CLIPTextExtractor
from .sentences import SentenceExtractor
from .word_vectors import WordVectorExtractor

__all__ = ['CLIPImageExtractor', 'CLIPTextExtractor', 'SentenceExtractor', 'WordVectorExtractor']
