"""Features from videos and sentences: decoding, sampling, extractors."""

from .base import AudioExtractor, TextExtractor, VideoExtractor
from .frames import FrameFormat, clip_count

__all__ = ['AudioExtractor', 'FrameFormat', 'TextExtractor', 'VideoExtractor', 'clip_count']
