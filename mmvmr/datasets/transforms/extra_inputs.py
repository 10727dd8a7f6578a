"""Further inputs of a sample from feature stores: patches, static queries, scores of clips."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.resampling import resample
from mmvmr.registry import TASK_UTILS, TRANSFORMS
from mmvmr.utils.choices import first_names


class _FromStore(BaseTransform):
    """Loads from a store below the folder of the data set."""

    #: What of a sample the input is made of: no probe that changes it can be evaluated.
    depends_on: tuple[str, ...] = ('video', 'query')

    def __init__(self, store: dict[str, Any]) -> None:
        self._config = store

    def bind(self, dataset: Any) -> None:
        """Open the store."""
        self.store = TASK_UTILS.build({'data_root': str(getattr(dataset, 'data_root', '')), **self._config})


@TRANSFORMS.register_module()
class LoadPatches(_FromStore):
    """Fill ``patches`` (F, p, Dp): patch features of F frames spread evenly over the video (VDI).

    Half precision is kept: the preprocessor makes single precision of what it pads.

    Args:
        store: Config of the feature store; an array is (frames, patches, Dp).
        num_frames: Frames F; a short video repeats some.
        shape: Patches and channels (p, Dp) that are expected; None takes any.
    """

    depends_on = ('video',)

    def __init__(self, store: dict[str, Any], num_frames: int = 32, shape: tuple[int, int] | None = None) -> None:
        super().__init__(store)
        self.num_frames = num_frames
        self.shape = None if shape is None else tuple(shape)
        self._last: tuple[Any, np.ndarray] | None = None

    def bind(self, dataset: Any) -> None:
        """Open the store; FileNotFoundError if a video has no patches."""
        super().bind(dataset)
        missing = self.store.missing(dataset.rows)
        if missing:
            raise FileNotFoundError(f'patches: {len(missing)} missing in {self.store.where}: {first_names(missing)}')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load ``patches``; ValueError if the array has another form or is not finite."""
        row = results['annotation']
        if self._last is None or self._last[0] != row['vid']:
            self._last = (row['vid'], self._read(row))
        results['patches'] = self._last[1]
        return results

    def _read(self, row: dict[str, Any]) -> np.ndarray:
        array = np.asarray(self.store.read(row))
        if array.ndim != 3 or not len(array) or (self.shape is not None and array.shape[1:] != self.shape):
            expected = self.shape or ('patches', 'channels')
            raise ValueError(
                f'patches of vid {row["vid"]!r} in {self.store.where} have shape {array.shape}, expected '
                f'(frames, {expected[0]}, {expected[1]})'
            )
        frames = ((np.arange(self.num_frames) + 0.5) / self.num_frames * len(array)).astype(int)
        chosen = array[frames]
        if not np.isfinite(chosen).all():
            raise ValueError(f'patches of vid {row["vid"]!r} in {self.store.where} have NaN or infinite values')
        chosen.setflags(write=False)
        return chosen


@TRANSFORMS.register_module()
class LoadStaticQuery(_FromStore):
    """Fill ``static_text`` (1, D): an encoding of only the static tokens, in the frozen space of the images (VDI).

    The alternative to the mean of their tokens, see ``guide_by`` of :class:`VisualContextLoss`.

    Args:
        store: Config of the feature store; an array is (D,), or (1, D).
    """

    depends_on = ('query',)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load ``static_text``; ValueError if the array is not one vector."""
        row = results['annotation']
        array = np.asarray(self.store.read(row), dtype=np.float32)
        if array.size != array.shape[-1]:
            raise ValueError(
                f'static query of qid {row["qid"]!r} in {self.store.where} has shape {array.shape}, expected one vector'
            )
        results['static_text'] = array.reshape(1, -1)
        return results


@TRANSFORMS.register_module()
class LoadClipScores(_FromStore):
    """Fill ``prior`` (L,), scores in (0, 1) with which those of a point detector are multiplied at inference.

    Args:
        store: Config of a feature store with an array (L,) or (1, L) per query.
        temperature: Scores x become ``sigmoid(x / temperature)``; None takes them as stored.
        step: Distance between the scores that are taken, as the loader of the features does.
    """

    def __init__(self, store: dict[str, Any], temperature: float | None = 1.0, step: int = 1) -> None:
        super().__init__(store)
        self.temperature = temperature
        self.step = step

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load ``prior``, brought to the length of the video; ValueError if it is empty or not finite."""
        row = results['annotation']
        scores = np.asarray(self.store.read(row), dtype=np.float32).reshape(-1)[:: self.step]
        if not len(scores) or not np.isfinite(scores).all():
            raise ValueError(f'{self.store.where}: the clip scores of qid {row["qid"]!r} are empty or not finite')
        if self.temperature is not None:
            scores = 1 / (1 + np.exp(-scores / self.temperature))
        length = len(results['video_feat'])
        results['prior'] = scores if len(scores) == length else resample(scores[:, None], length)[:, 0]
        return results
