"""Extractors, registered in :data:`mmvmr.registry.EXTRACTORS` when this module is imported."""

from mmvmr.features.extractors.audio import PANNsExtractor
from mmvmr.features.extractors.clip import CLIPImageExtractor, CLIPTextExtractor
from mmvmr.features.extractors.clip_layers import CLIPImageLayersExtractor, CLIPTextLayersExtractor
from mmvmr.features.extractors.conse import ConSEExtractor
from mmvmr.features.extractors.i3d import I3DExtractor
from mmvmr.features.extractors.open_clip import OpenCLIPImageExtractor, OpenCLIPTextExtractor
from mmvmr.features.extractors.sentences import SentenceExtractor
from mmvmr.features.extractors.slowfast import SlowFastExtractor
from mmvmr.features.extractors.word_vectors import WordVectorExtractor

__all__ = [
    'CLIPImageExtractor',
    'CLIPImageLayersExtractor',
    'CLIPTextExtractor',
    'CLIPTextLayersExtractor',
    'ConSEExtractor',
    'I3DExtractor',
    'OpenCLIPImageExtractor',
    'OpenCLIPTextExtractor',
    'PANNsExtractor',
    'SentenceExtractor',
    'SlowFastExtractor',
    'WordVectorExtractor',
]
