"""Annotations as they are published, or written by hand, made into rows of the one schema.

Readers of a form return rows that know where they come from; :mod:`~mmvmr.preparation.converters.located` finds
everything that is wrong with them, ``repair`` fixes what can be fixed, ``tool`` is what the command-line tools share.
"""

from mmvmr.preparation.converters.charades_text import sentence_rows
from mmvmr.preparation.converters.corpora import charades_fig_rows, tvr_rows
from mmvmr.preparation.converters.durations import read_durations, video_lengths
from mmvmr.preparation.converters.ego4d import nlq_rows
from mmvmr.preparation.converters.highlights import tvsum_rows, youtube_rows
from mmvmr.preparation.converters.lines import jsonl_rows

__all__ = [
    'charades_fig_rows',
    'jsonl_rows',
    'nlq_rows',
    'read_durations',
    'sentence_rows',
    'tvr_rows',
    'tvsum_rows',
    'video_lengths',
    'youtube_rows',
]
