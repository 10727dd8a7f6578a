"""Fusions: bring text into video, features to features."""

from .shared_cross import SharedCrossFusion
from .text_to_video import CrossEncoderLayer, NoFusion, TextToVideoFusion, head_major_mask

__all__ = ['CrossEncoderLayer', 'NoFusion', 'SharedCrossFusion', 'TextToVideoFusion', 'head_major_mask']
