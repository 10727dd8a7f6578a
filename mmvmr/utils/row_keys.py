"""Names of the keys of annotation rows, and what was meant by a key that nothing reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

#: Keys of an annotation row.
ANNOTATION_KEYS = (
    'qid',
    'query',
    'vid',
    'duration',
    'relevant_windows',
    'relevant_clip_ids',
    'saliency_scores',
    'label',
    'domain',
)
#: What other data sets call the moments.
_MOMENTS = {
    'timestamps',
    'timestamp',
    'times',
    'moments',
    'moment',
    'windows',
    'window',
    'segments',
    'segment',
    'spans',
    'gt_windows',
}


@lru_cache(maxsize=1024)
def meant_key(key: str, keys: tuple[str, ...]) -> str | None:
    """Find the one of the keys that are read which another key looks like; None where nothing is similar."""
    key = key.strip().lower().replace(' ', '_').replace('-', '_')
    if key in _MOMENTS and 'relevant_windows' in keys:
        return 'relevant_windows'
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.85)
    return close[0] if close else None


def first_misnamed(rows: Iterable[Mapping[str, Any]], keys: tuple[str, ...]) -> tuple[int, str, str] | None:
    """Find the first row with a misspelt key and nothing under the right one.

    Args:
        rows: Rows of a file.
        keys: Keys that are read. Keys of annotations pass in any file.

    Returns:
        Position of the row, its key and the key that was probably meant; None if there is no such row.
    """
    for place, row in enumerate(rows):
        for key in row.keys() - {*keys, *ANNOTATION_KEYS}:
            if (meant := meant_key(str(key), keys)) and row.get(meant) is None:
                return place, key, meant
    return None
