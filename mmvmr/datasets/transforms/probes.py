"""Changes of a sample that show what a model really uses. Windows, duration and length of the video stay."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS

SIDES = ('video', 'query')


def stale_inputs(probe: Any, augment: Mapping[str, Any]) -> dict[str, list[str]]:
    """Inputs that would still be those of the unchanged sample under a probe.

    Args:
        probe: The probe; ``changes`` says what it changes, ``video`` or ``query``, both where it does not say.
        augment: Transforms of ``pipeline.augment`` by name; ``depends_on`` of one says what its input is made of.

    Returns:
        Name in ``augment`` to what the input is made of and the probe changes.
    """
    changed = getattr(probe, 'changes', SIDES)
    stale = {
        name: [side for side in getattr(transform, 'depends_on', ()) if side in changed]
        for name, transform in augment.items()
    }
    return {name: sides for name, sides in stale.items() if sides}


class Probe(BaseTransform):
    """A change of one sample, for evaluation.

    Probes are entries of ``pipeline.augment``: they run before the TEF is appended, which therefore stays that of the
    place of a clip. A data set whose samples have further inputs made of what a probe changes (scores of another model,
    patches of the frames, ...) is refused: nothing can make these anew.

    Args:
        view: None changes the sample itself; a name leaves it and adds the changed one as a view of that name, so
            that one pass predicts both (see :class:`mmvmr.evaluation.metrics.SpuriousMetric`).
    """

    #: What of a sample is another one under the probe.
    changes: tuple[str, ...] = SIDES

    def __init__(self, view: str | None = None) -> None:
        self.view = view

    def bind(self, dataset: Any) -> None:
        """Look at the other inputs of the data set; ValueError if one is made of what the probe changes."""
        augment = getattr(dataset.pipeline, 'augment', {})
        for name, sides in stale_inputs(self, augment).items():
            raise ValueError(
                f'{type(self).__name__} changes the {" and the ".join(self.changes)}, but pipeline.augment.{name} '
                f'({type(augment[name]).__name__}) would still give the model what was made of the unchanged '
                f'{" and ".join(sides)}; set pipeline.augment.{name}=None, or do without this probe'
            )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the sample, or add a view."""
        if self.view is None:
            return {**results, **self.change(results)}
        seen = {key: value for key, value in results.items() if key != 'views'}
        views = {**results.get('views', {}), self.view: {**seen, **self.change(seen)}}
        return {**results, 'views': views}

    @abstractmethod
    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Compute the entries that the probe changes; neither the sample nor its arrays may be changed in place."""


@TRANSFORMS.register_module()
class ShuffleClips(Probe):
    """Put the clips into random order (Otani et al., BMVC 2020): who still finds the moment never looked at it."""

    changes = ('video',)

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Shuffle the clips."""
        order = list(range(len(results['video_feat'])))
        results['rng'].shuffle(order)
        return {'video_feat': results['video_feat'][order]}


@TRANSFORMS.register_module()
class PositionOnly(Probe):
    """Replace every clip by zeros: the model sees the sentence, the length and the TEF."""

    changes = ('video',)

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Empty the clips."""
        return {'video_feat': np.zeros_like(results['video_feat'])}


@TRANSFORMS.register_module()
class EmptyQuery(Probe):
    """Replace the sentence by one token of zeros: what is found without a question is a prior."""

    changes = ('query',)

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Empty the sentence."""
        return {'text_feat': np.zeros_like(results['text_feat'][:1]), 'query': ''}


class OtherVideoProbe(Probe):
    """A probe that takes something from a sample of another video, chosen at random."""

    def bind(self, dataset: Any) -> None:
        """Take rows and loader from the data set; ValueError if it holds a single video; see also :class:`Probe`."""
        super().bind(dataset)
        self.rows, self.load = dataset.rows, dataset.pipeline.load
        if len({row['vid'] for row in self.rows}) < 2:
            raise ValueError(f'{type(self).__name__} needs another video, but this data set has only one')

    def other(self, results: dict[str, Any]) -> dict[str, Any]:
        """The row of a random query about another video, with another sentence; ValueError if there is none."""
        vid, query, rng = results['vid'], results['query'], results['rng']
        # Nearly every row is suitable: a few draws cost less than a list of all that are, for every sample.
        for _ in range(32):
            row = self.rows[rng.integers(0, len(self.rows))]
            if row['vid'] != vid and row['query'] != query:
                return row
        candidates = [row for row in self.rows if row['vid'] != vid and row['query'] != query]
        if not candidates:
            raise ValueError(f'{type(self).__name__}: no other video of this data set has another sentence')
        return candidates[rng.integers(0, len(candidates))]


@TRANSFORMS.register_module()
class SwapQuery(OtherVideoProbe):
    """Replace the sentence by one about another video: the moments of the own sentence should not be found any more."""

    changes = ('query',)

    def change(self, results: dict[str, Any]) -> dict[str, Any]:
        """Swap the sentence."""
        row = self.other(results)
        return {'text_feat': self.load.text(row), 'query': row['query']}
