"""Results of a search as rows of a prediction file."""

from __future__ import annotations

from collections.abc import Collection as Sized
from pathlib import PurePosixPath
from typing import Any

from mmvmr.evaluation.functional.corpus import MOMENTS_KEY, VIDEOS_KEY
from mmvmr.search.ranking import SearchResult


def prediction_row(
    query: dict[str, Any], result: SearchResult, vids: Sized[str] = (), most: int = 100
) -> dict[str, Any]:
    """A result in the form that ``mmvmr eval --protocol corpus`` scores.

    Args:
        query: Row with ``qid`` and ``query``.
        result: What was found.
        vids: Names of the videos as the annotations have them, see :func:`vid_of`.
        most: Videos that are written.

    Returns:
        ``qid``, ``query``, ``pred_corpus_moments`` and ``pred_videos``, seconds and scores with four decimals.
    """
    moments = [
        [vid_of(hit.name, vids), round(hit.moment.start, 4), round(hit.moment.end, 4), round(hit.score, 4)]
        for hit in result.hits
    ]
    videos = [[vid_of(name, vids), round(score, 4)] for name, score in result.videos[:most]]
    return {'qid': query['qid'], 'query': query['query'], MOMENTS_KEY: moments, VIDEOS_KEY: videos}


def vid_of(name: str, vids: Sized[str] = ()) -> str:
    """The ``vid`` of a file: its path in the folder, the same without suffix, or its stem.

    Args:
        name: Path in the folder of the videos.
        vids: Names in the annotations; the first of the three that is among them is taken, else the second.
    """
    path = PurePosixPath(name)
    forms = (name, str(path.with_suffix('')), path.stem)
    return next((form for form in forms if form in vids), forms[1])
