"""Features of image patches, in addition to those of clips."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class LoadPatches(BaseTransform):
    """Fill ``patches`` (F, p, Dp): patch features of F frames spread evenly over the video (VDI).

    Half precision is kept: the preprocessor makes single precision of what it pads.

    Args:
        store: Config of the feature store; an array is (frames, patches, Dp).
        num_frames: Frames F; a short video repeats some.
        shape: Patches and channels (p, Dp) that are expected; None takes any.
    """

    def __init__(self, store: dict[str, Any], num_frames: int = 32, shape: tuple[int, int] | None = None) -> None:
        self._config = store
        self.num_frames = num_frames
        self.shape = None if shape is None else tuple(shape)
        self._last: tuple[Any, np.ndarray] | None = None

    def bind(self, dataset: Any) -> None:
        """Open the store and look for missing files.

        Args:
            dataset: The data set.

        Raises:
            FileNotFoundError: If a video has no patches.
        """
        root = str(getattr(dataset, 'data_root', ''))
        self.store = TASK_UTILS.build({**self._config, 'data_root': root})
        missing = self.store.missing(dataset.rows)
        if missing:
            shown = ', '.join(missing[:3]) + (', ...' if len(missing) > 3 else '')
            raise FileNotFoundError(f'patches: {len(missing)} missing in {self.store.where}: {shown}')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the patches.

        Args:
            results: The sample.

        Returns:
            The sample with ``patches``.

        Raises:
            ValueError: If the array has another form or is not finite.
        """
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
