"""Queries about the films of the little world, with their moments and ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmvmr.datasets.synthetic.world import OBJECTS, SCENES, TEMPLATES, VERBS, Event, Film


class Annotator:
    """Writes queries, and rates the clips of their moments.

    Args:
        location_bias: Probability that a query may ask for events of the first half of the video only, in [0, 1];
            where that has none left, the query is not asked.
        reverse: The second half instead.
        clip_len: Length of a clip in seconds.
    """

    def __init__(self, location_bias: float, reverse: bool = False, clip_len: float = 2.0) -> None:
        self.location_bias = location_bias
        self.reverse = reverse
        self.clip_len = clip_len

    def __call__(self, film: Film, count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Write queries.

        Args:
            film: The video.
            count: How many queries at most; fewer where the film has fewer different events, or none that the bias
                allows.
            rng: Source of randomness.

        Returns:
            ``query``, ``relevant_windows`` (seconds), ``relevant_clip_ids``, ``saliency_scores`` (three annotators,
            0 to 4) and ``synthetic`` (the concepts, for analyses).
        """
        left, rows = list(film.events), []
        for _ in range(count):
            target = self._choose(left, film, rng)
            if target is None:
                continue
            template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
            query = template.format(
                object=OBJECTS[target.object], verb=VERBS[target.action], scene=SCENES[target.scene]
            )
            meant = _same(film.events, target, scene='{scene}' in template)
            rows.append({'query': query, **self._labels(meant, film, rng), 'synthetic': _concepts(target)})
            left = [e for e in left if (e.object, e.action) != (target.object, target.action)]
        return rows

    def _choose(self, events: Sequence[Event], film: Film, rng: np.random.Generator) -> Event | None:
        """A random event; where the bias strikes, one whose moments are in the preferred half, or none."""
        pool = list(events)
        if rng.random() < self.location_bias:
            pool = [e for e in pool if (self._place(e, film) > 0.5) == self.reverse]
        return pool[int(rng.integers(len(pool)))] if pool else None

    @staticmethod
    def _place(event: Event, film: Film) -> float:
        """Mean center of the moments of an event, as a part of the video."""
        alike = [e for e in film.events if (e.object, e.action) == (event.object, event.action)]
        return float(np.mean([e.start + e.stop for e in alike])) / 2 / film.num_clips

    def _labels(self, events: Sequence[Event], film: Film, rng: np.random.Generator) -> dict[str, Any]:
        clips = [clip for event in events for clip in range(event.start, event.stop)]
        ratings = np.rint(4 * film.clarity[clips, None] + rng.normal(0, 0.5, (len(clips), 3)))
        return {
            'relevant_windows': [[e.start * self.clip_len, e.stop * self.clip_len] for e in events],
            'relevant_clip_ids': clips,
            'saliency_scores': np.clip(ratings, 0, 4).astype(int).tolist(),
        }


def _same(events: Sequence[Event], target: Event, scene: bool) -> list[Event]:
    """Events that the sentence is true for; two that follow each other without a gap are one moment."""
    same_events: list[Event] = []
    for event in events:
        if (event.object, event.action) == (target.object, target.action) and (
            not scene or event.scene == target.scene
        ):
            if same_events and same_events[-1].stop == event.start:
                same_events[-1] = replace(same_events[-1], stop=event.stop)
            else:
                same_events.append(event)
    return same_events


def _concepts(event: Event) -> dict[str, str]:
    return {'object': OBJECTS[event.object], 'verb': VERBS[event.action], 'scene': SCENES[event.scene]}
