"""Annotations as they are published, or written by hand, made into rows of the one schema.

Readers of a form return :class:`LocatedRow`; :mod:`~mmvmr.datasets.converters.located` finds everything that is wrong
with them, ``repair`` mends what can be mended, ``tool`` is what the command-line tools share.
"""

from .by_video import video_rows
from .charades_text import sentence_rows
from .durations import read_durations, video_lengths
from .ego4d import nlq_rows
from .highlights import tvsum_rows, youtube_rows
from .lines import jsonl_rows
from .located import LocatedRow, find_faults, find_repeats
from .repair import repair
from .table import table_rows

__all__ = [
    'LocatedRow',
    'find_faults',
    'find_repeats',
    'jsonl_rows',
    'nlq_rows',
    'read_durations',
    'repair',
    'sentence_rows',
    'table_rows',
    'tvsum_rows',
    'video_lengths',
    'video_rows',
    'youtube_rows',
]
