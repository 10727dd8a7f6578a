"""The little world that :class:`mmvmr.datasets.SyntheticMoments` films: what happens, what it looks like, its words.

A video is a sequence of events. An event shows an object in an action in front of a scene; an action goes from one
state to another, and its reverse consists of the same states in opposite order, so that nothing but temporal change
tells the two apart. Vision and language use unrelated fixed maps from concepts to vectors: how they go together has
to be learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OBJECTS = ('dog', 'cat', 'child', 'robot', 'woman', 'man', 'bird', 'horse')
# (verb, its reverse): states 2k and 2k + 1 in this and in the opposite order.
ACTIONS = (('opens', 'closes'), ('enters', 'leaves'), ('rises', 'sinks'), ('lifts', 'drops'))
VERBS = tuple(verb for pair in ACTIONS for verb in pair)
SCENES = ('kitchen', 'street', 'forest', 'office', 'beach', 'garage')
TEMPLATES = (
    'the {object} {verb} something',
    'a {object} {verb} it',
    'we see how the {object} {verb}',
    'a {object} in the {scene} {verb} something',
    'in the {scene} the {object} {verb}',
)
FILLERS = ('the', 'a', 'something', 'it', 'we', 'see', 'how', 'in')
VOCABULARY = (*OBJECTS, *VERBS, *SCENES, *FILLERS)
# Seed of the fixed maps: all splits and seeds speak one language.
MAP_SEED = 20211107


@dataclass(frozen=True)
class Event:
    """Something that happens in the clips from ``start`` to before ``stop``: indices of object, action and scene.

    ``action ^ 1`` is the reverse of an action.
    """

    start: int
    stop: int
    object: int
    action: int
    scene: int


@dataclass(frozen=True)
class Film:
    """A generated video before it becomes features.

    Attributes:
        events: In order, never overlapping.
        scenes: Scene of every clip (L,).
        clarity: How clearly every clip shows its event (L,), in [0, 1]; ratings follow it.
    """

    events: tuple[Event, ...]
    scenes: np.ndarray
    clarity: np.ndarray

    @property
    def num_clips(self) -> int:
        """Number of clips."""
        return len(self.scenes)


def action_states(action: int, length: int) -> np.ndarray:
    """Share of each state in the clips of an action.

    Args:
        action: Index into :data:`VERBS`.
        length: Number of clips.

    Returns:
        Weights (length, number of states). The first half of the clips shows the first state and the second half the
        second; with an odd number the middle clip shows half of each. An action and its reverse therefore have equal
        clips in reverse order.
    """
    first = 2 * (action // 2) + action % 2
    late = np.clip(np.arange(length) - length / 2 + 1, 0.0, 1.0)
    weights = np.zeros((length, len(VERBS)), dtype=np.float32)
    weights[:, first] = 1 - late
    weights[:, first ^ 1] = late
    return weights


def preferred_scene(object_: int, reverse: bool = False) -> int:
    """Index of the scene that goes with an object where context is correlated; ``reverse`` is out of distribution."""
    return (object_ + (len(SCENES) // 2 if reverse else 0)) % len(SCENES)


class FilmMaker:
    """Invents films.

    Args:
        context_correlation: Probability that an event happens in the preferred scene of its object, in [0, 1];
            otherwise the scene is random.
        reverse: Prefer other scenes than training does.
        min_clips: Shortest video.
        max_clips: Longest video.
    """

    def __init__(
        self, context_correlation: float, reverse: bool = False, min_clips: int = 20, max_clips: int = 75
    ) -> None:
        self.context_correlation = context_correlation
        self.reverse = reverse
        self.min_clips = min_clips
        self.max_clips = max_clips

    def __call__(self, rng: np.random.Generator) -> Film:
        """Invent a film."""
        length = int(rng.integers(self.min_clips, self.max_clips + 1))
        events: list[Event] = []
        position = int(rng.integers(0, 4))
        while position + 3 <= length:
            low, high = (13, 21) if rng.random() < 0.15 else (3, 13)
            stop = min(position + int(rng.integers(low, high)), length)
            events.append(self._event(rng, events, position, stop))
            position = stop + int(rng.integers(0, 5))
        return Film(tuple(events), _background(events, length), rng.random(length, dtype=np.float32))

    def _event(self, rng: np.random.Generator, before: Sequence[Event], start: int, stop: int) -> Event:
        """A new event, or one that was seen before, or its reverse: repetition makes moments, reversal distractors."""
        object_, action = int(rng.integers(len(OBJECTS))), int(rng.integers(len(VERBS)))
        if before and rng.random() < 0.5:
            model = before[int(rng.integers(len(before)))]
            object_, action = model.object, model.action ^ int(rng.integers(2))
        if before and before[-1].stop == start and (before[-1].object, before[-1].action) == (object_, action):
            action ^= 1  # two equal events without a gap would be one
        scene = int(rng.integers(len(SCENES)))
        if rng.random() < self.context_correlation:
            scene = preferred_scene(object_, self.reverse)
        return Event(start, stop, object_, action, scene)


def _background(events: Sequence[Event], length: int) -> np.ndarray:
    """Scene of every clip: a gap shows the scene of the event before it (or after it, at the beginning)."""
    scenes = np.full(length, events[0].scene, dtype=np.int64)
    for event in events:
        scenes[event.start :] = event.scene
    return scenes


class Camera:
    """Turns films into clip features: mixtures of concept vectors, with noise.

    Args:
        dim: Dimension of a feature.
        noise: Standard deviation of the noise per concept vector of length 1, over the whole vector.
        scene_weight: Strength of the scene.
        event_weight: Strength of the object and of its state.
    """

    def __init__(self, dim: int, noise: float = 0.7, scene_weight: float = 0.7, event_weight: float = 1.0) -> None:
        self.noise, self.scene_weight, self.event_weight = noise, scene_weight, event_weight
        rng = np.random.default_rng([MAP_SEED, 1])
        self.objects = _unit_vectors(rng, len(OBJECTS), dim)
        self.states = _unit_vectors(rng, len(VERBS), dim)
        self.scenes = _unit_vectors(rng, len(SCENES), dim)

    def __call__(self, film: Film, rng: np.random.Generator) -> np.ndarray:
        """Film what happens; returns (L, dim), float32."""
        features = self.scene_weight * self.scenes[film.scenes]
        for event in film.events:
            at = slice(event.start, event.stop)
            shown = self.objects[event.object] + action_states(event.action, event.stop - event.start) @ self.states
            features[at] += self.event_weight * (0.7 + 0.6 * film.clarity[at, None]) * shown
        spread = self.noise / np.sqrt(features.shape[1])
        return (features + spread * rng.standard_normal(features.shape)).astype(np.float32)


class Language:
    """Turns sentences into token features, by a map that has nothing in common with the camera's.

    Args:
        dim: Dimension of a token.
    """

    def __init__(self, dim: int) -> None:
        vectors = _unit_vectors(np.random.default_rng([MAP_SEED, 2]), len(VOCABULARY), dim)
        self.vectors = dict(zip(VOCABULARY, vectors))

    def __call__(self, sentence: str) -> np.ndarray:
        """Embed a sentence of words of :data:`VOCABULARY`; returns (number of words, dim), float32."""
        return np.stack([self.vectors[word] for word in sentence.split()])


def _unit_vectors(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    vectors = rng.standard_normal((count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
