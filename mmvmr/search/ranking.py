"""Ranking the videos of a collection, and the moments in the best ones."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mmvmr.apis import EncodedVideo, Moment, MomentFinder
from mmvmr.search.joint_space import JointSpace


class Videos(Protocol):
    """Videos with features, of an index or a data set."""

    finder: MomentFinder

    @property
    def names(self) -> Sequence[str]:
        """Names of the videos."""

    def load(self, name: str) -> EncodedVideo:
        """A video, ready to be asked."""


@dataclass(frozen=True)
class SearchHit:
    """A moment in a video of a collection.

    Attributes:
        name: Name of the video.
        moment: The moment, in seconds of the file.
        video_score: Similarity of the sentence to the video, by which videos are ranked; see :func:`video_scores`.
        score: What hits are ranked by.
    """

    name: str
    moment: Moment
    video_score: float
    score: float


@dataclass(frozen=True)
class SearchResult:
    """Videos and moments for a sentence.

    Attributes:
        videos: Name and similarity of all videos, best first.
        hits: Moments in the best of them, best first.
    """

    videos: list[tuple[str, float]]
    hits: list[SearchHit]


def video_scores(
    sentences: np.ndarray, videos: Iterable[tuple[str, np.ndarray]], mean: np.ndarray, smooth: int = 3
) -> dict[str, np.ndarray]:
    """Similarity of sentences to every video.

    Clips are centred by the mean of the collection (not of their video, which would remove what the video is about),
    compared by cosine, averaged over ``smooth`` neighbours, and the best value counts. Values of different videos are
    comparable, as all clips are compared in one space.

    Args:
        sentences: Vectors of the sentences (Q, dim).
        videos: Name and clips (clips, dim) of every video.
        mean: Mean clip of the collection (dim,).
        smooth: Neighbouring clips that are averaged.

    Returns:
        Name to scores (Q,) in [-1, 1].
    """
    directions = sentences / np.maximum(np.linalg.norm(sentences, axis=1, keepdims=True), 1e-8)
    scores = {}
    for name, clips in videos:
        centred = np.asarray(clips, np.float32) - mean
        cosine = centred @ directions.T / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-8)
        width = min(smooth, len(cosine))
        smoothed = np.lib.stride_tricks.sliding_window_view(cosine, width, axis=0).mean(axis=-1)
        scores[name] = smoothed.max(axis=0)
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


def search(
    collection: Videos,
    sentences: Sequence[str],
    top: int = 10,
    candidates: int = 20,
    per_video: int = 1,
    video_weight: float | None = None,
    ranker: MomentFinder | None = None,
    tokens: Sequence[np.ndarray] | None = None,
) -> Iterator[SearchResult]:
    """Find sentences in a collection.

    All videos are ranked by :func:`video_scores`, and the moment model looks at the best of them. Scores of moments
    come from one video each and are not comparable by themselves: by default a hit ranks by its video, and inside it by
    its moment. With ``video_weight`` it ranks by ``exp(video_weight * video score) * moment score`` (Lei et al., TVR,
    ECCV 2020, with 20).

    Args:
        collection: The videos, with the finder that looks for moments.
        sentences: What to find.
        top: Hits per sentence at most.
        candidates: Videos that the moment model looks at.
        per_video: Moments of one video at most.
        video_weight: See above.
        ranker: Finder whose space ranks the videos, see :class:`JointSpace`; that of the collection by default.
        tokens: Text features of the sentences (tokens, dim), where they exist already.

    Yields:
        The result of every sentence, in order.

    Raises:
        ValueError: If the collection is empty, or clips and sentences have no common space.
    """
    finder = collection.finder
    space = JointSpace(ranker or finder)
    vectors = space.sentences(space.finder.encoder.sentences(sentences) if tokens is None else tokens)
    mean = mean_clip(_clips(collection, space))
    scores = video_scores(vectors, _clips(collection, space), mean)
    text = finder.encoder.sentences(sentences) if tokens is None else tokens
    count = max(candidates, math.ceil(top / per_video))
    best = []
    for number in range(len(sentences)):
        column = {name: values[number] for name, values in scores.items()}
        best.append(heapq.nlargest(count, column, key=column.__getitem__))
    moments = _moments(collection, sentences, text, best, per_video)
    for number, names in enumerate(best):
        # All videos of one sentence at a time: together they would grow with sentences times videos.
        videos = sorted(((name, float(values[number])) for name, values in scores.items()), key=lambda pair: -pair[1])
        hits = []
        for name, value in videos[: len(names)]:
            for moment in moments[number, name]:
                score = value if video_weight is None else video_weight * value + math.log(max(moment.score, 1e-6))
                hits.append(SearchHit(name, moment, value, score))
        yield SearchResult(videos, sorted(hits, key=lambda hit: -hit.score)[:top])


def _moments(
    collection: Videos,
    sentences: Sequence[str],
    text: Sequence[np.ndarray],
    best: Sequence[Sequence[str]],
    per_video: int,
) -> dict[tuple[int, str], tuple[Moment, ...]]:
    """The best moments by number of the sentence and name of the video.

    A video that several sentences ask is encoded once for all of them; those with a single sentence share forward
    passes with the other videos of that sentence.
    """
    asked: dict[str, list[int]] = {}
    for number, names in enumerate(best):
        for name in names:
            asked.setdefault(name, []).append(number)
    passes = [([name], numbers) for name, numbers in asked.items() if len(numbers) > 1]
    for number, names in enumerate(best):
        if alone := [name for name in names if len(asked[name]) == 1]:
            passes.append((alone, [number]))
    moments = {}
    for names, numbers in passes:
        videos = (collection.load(name) for name in names)
        queries, tokens = [sentences[number] for number in numbers], [text[number] for number in numbers]
        for name, answers in zip(names, collection.finder.find_all(videos, *queries, tokens=tokens)):
            for number, answer in zip(numbers, answers):
                moments[number, name] = answer.moments[:per_video]
    return moments


def _clips(collection: Videos, space: JointSpace) -> Iterator[tuple[str, np.ndarray]]:
    for name in collection.names:
        yield name, space.clips(collection.load(name).streams)
