"""Fusions: bring text into video, features to features."""

from .text_to_video import CrossEncoderLayer, NoFusion, TextToVideoFusion, head_major_mask

__all__ = ['CrossEncoderLayer', 'NoFusion', 'TextToVideoFusion', 'head_major_mask']
