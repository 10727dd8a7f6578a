"""Extractors, registered in :data:`mmvmr.registry.EXTRACTORS` when this module is imported."""

from .audio import PANNsExtractor
from .clip import CLIPImageExtractor, CLIPTextExtractor
from .i3d import I3DExtractor
from .sentences import SentenceExtractor
from .slowfast import SlowFastExtractor
from .word_vectors import WordVectorExtractor

__all__ = [
    'CLIPImageExtractor',
    'CLIPTextExtractor',
    'I3DExtractor',
    'PANNsExtractor',
    'SentenceExtractor',
    'SlowFastExtractor',
    'WordVectorExtractor',
]
