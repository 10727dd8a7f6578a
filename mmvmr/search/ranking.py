"""Ranking the videos of a collection, and the moments in the best ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmvmr.apis import Moment
from mmvmr.search.collection import Collection


@dataclass(frozen=True)
class SearchHit:
    """A moment in a video of a collection.

    Attributes:
        name: Name of the video, relative to the folder of the videos.
        moment: The moment, in seconds of the file.
        video_score: Similarity of the sentence to the video, by which videos are ranked; see :func:`video_scores`.
    """

    name: str
    moment: Moment
    video_score: float


def video_scores(
    sentence: np.ndarray, videos: Iterable[tuple[str, np.ndarray]], mean: np.ndarray, smooth: int = 3
) -> dict[str, float]:
    """Similarity of a sentence to every video.

    Clips are centred by the mean of the collection (not of their video, which would remove what the video is about),
    compared by cosine, averaged over ``smooth`` neighbours, and the best value counts. Values of different videos are
    comparable, as all clips are compared in one space.

    Args:
        sentence: Vector of the sentence (dim,).
        videos: Name and clips (clips, dim) of every video.
        mean: Mean clip of the collection (dim,).
        smooth: Neighbouring clips that are averaged.

    Returns:
        Name to score in [-1, 1].
    """
    direction = sentence / np.linalg.norm(sentence)
    scores = {}
    for name, clips in videos:
        centred = np.asarray(clips, np.float32) - mean
        cosine = centred @ direction / np.maximum(np.linalg.norm(centred, axis=1), 1e-8)
        window = min(smooth, len(cosine))
        scores[name] = float(np.convolve(cosine, np.full(window, 1 / window), 'valid').max())
    return scores


def mean_clip(videos: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
    """Mean of all clips of a collection, each video counting once.

    Args:
        videos: Name and clips (clips, dim) of every video; at least one.

    Returns:
        Shape (dim,), float32.
    """
    total, count = None, 0
    for _, clips in videos:
        video = np.asarray(clips, np.float64).mean(axis=0)
        total = video if total is None else total + video
        count += 1
    if total is None:
        raise ValueError('the collection holds no video; run `mmvmr index` first')
    return (total / count).astype(np.float32)


def search(collection: Collection, sentence: str, top: int = 10, candidates: int = 20) -> list[SearchHit]:
    """Find a sentence in a collection.

    All videos are ranked by :func:`video_scores`, the moment model looks at the best of them, and each gives its best
    moment. Hits are ordered by the video score: scores of moments come from one video each and are not comparable.

    Args:
        collection: The indexed videos, with the finder.
        sentence: What to find.
        top: Hits at most.
        candidates: Videos that the moment model looks at.

    Returns:
        Hits, best first.

    Raises:
        ValueError: If the collection is empty, or its clips are in no common space with sentences.
    """
    finder = collection.finder
    [tokens] = finder.encoder.sentences([sentence])
    vector = np.asarray(tokens, np.float32).mean(axis=0)
    dim = finder.spec.streams[0].dim
    if len(vector) != dim:
        raise ValueError(
            f'search needs clips and sentences in one space, but clips have {dim} dimensions and sentences '
            f'{len(vector)}; index with zero-shot features (without --checkpoint), or a CLIP-like specification'
        )
    mean = mean_clip(collection.clip_vectors())
    scores = video_scores(vector, collection.clip_vectors(), mean)
    best = sorted(scores, key=lambda name: -scores[name])[: max(top, candidates)]
    hits = []
    for name, answers in zip(best, finder.find_all(map(collection.load, best), sentence)):
        if moments := answers[0].moments:
            hits.append(SearchHit(name, moments[0], scores[name]))
    return hits[:top]
