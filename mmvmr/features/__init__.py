"""Features from videos and sentences: decoding, sampling, extractors."""

from mmvmr.features.base import AudioExtractor, TextExtractor, VideoExtractor
from mmvmr.features.frames import FrameFormat, clip_count

__all__ = ['AudioExtractor', 'FrameFormat', 'TextExtractor', 'VideoExtractor', 'clip_count']
