"""The file that names the most similar videos of every video, as partner samplers read it.

It is written by ``tools/analysis_tools/build_similar_videos.py`` and holds unique videos, not annotation rows: a video
is found once whatever the number of its queries.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.structures import FeatureSpec
from mmvmr.utils.arrays import read_npz
from mmvmr.utils.choices import first_names
from mmvmr.utils.io import atomic_write

FORMAT = 'mmvmr.similar_videos/1'
REBUILD = 'build it again: python tools/analysis_tools/build_similar_videos.py CONFIG --out FILE'
#: Parts of a feature specification that affect video features; sentences and TEF do not.
VIDEO_FIELDS = ('streams', 'clip_len', 'max_clips')


class SimilarVideos:
    """The most (and, where kept, the least) similar other videos of every video.

    Args:
        vids: Ids of the N videos, each once.
        indices: Shape (N, k): positions in ``vids``, most similar first, equal ones in the order of ``vids``; -1 where
            a video has fewer than k others.
        similarities: Shape (N, k).
        least_indices: Shape (N, m): the same for the least similar, least similar first; None if not kept.
        least_similarities: Shape (N, m).
        options: How the similarities were found: measure, search and their options.
        feature_spec: Features that were compared; None if unknown.

    Examples:
        >>> found = SimilarVideos(['a', 'b', 'c'], [[2, 1], [2, 0], [0, 1]], [[0.9, 0.1], [0.3, 0.1], [0.9, 0.3]])
        >>> [vid for vid, _ in found.partners('a')]
        ['c', 'b']
    """

    def __init__(
        self,
        vids: Sequence[str],
        indices: Any,
        similarities: Any,
        least_indices: Any = None,
        least_similarities: Any = None,
        options: Mapping[str, Any] | None = None,
        feature_spec: FeatureSpec | None = None,
    ) -> None:
        self.vids = [str(vid) for vid in vids]
        self.options = dict(options or {})
        self.feature_spec = feature_spec
        self._position = {vid: i for i, vid in enumerate(self.vids)}
        if len(self._position) != len(self.vids):
            raise ValueError('similar videos: the ids are not unique')
        empty = np.zeros((len(self.vids), 0))
        self.indices, self.similarities = self._table('indices', indices, similarities)
        least = (empty, empty) if least_indices is None else (least_indices, least_similarities)
        self.least_indices, self.least_similarities = self._table('least_indices', *least)
        self.path: Path | None = None

    def _table(self, name: str, indices: Any, similarities: Any) -> tuple[np.ndarray, np.ndarray]:
        table, count = np.asarray(indices, np.int32), len(self.vids)
        values = np.asarray(similarities, np.float32)
        if table.ndim != 2 or len(table) != count or table.shape != values.shape:
            raise ValueError(
                f'similar videos: {name} {table.shape} and its similarities {values.shape} do not fit {count} videos'
            )
        if table.size and (table.min() < -1 or table.max() >= count):
            raise ValueError(f'similar videos: {name} points outside of the {count} videos')
        return table, values

    def __len__(self) -> int:
        return len(self.vids)

    def __contains__(self, vid: str) -> bool:
        return str(vid) in self._position

    @property
    def where(self) -> str:
        """Name of this index in messages."""
        return 'similar videos (in memory)' if self.path is None else str(self.path.absolute())

    def partners(self, vid: str) -> list[tuple[str, float]]:
        """Ids and similarities of the most similar other videos, best first; ValueError for an unknown video."""
        return self._listed(vid, self.indices, self.similarities)

    def dissimilar(self, vid: str) -> list[tuple[str, float]]:
        """Ids and similarities of the least similar other videos, least similar first.

        Raises:
            ValueError: If the index does not have the video, or was built without the least similar ones.
        """
        if not self.least_indices.shape[1] and len(self.vids) > 1:
            raise ValueError(f'{self.where}: the least similar videos were not kept; build it again with --least 50')
        return self._listed(vid, self.least_indices, self.least_similarities)

    def _listed(self, vid: str, indices: np.ndarray, similarities: np.ndarray) -> list[tuple[str, float]]:
        position = self._position.get(str(vid))
        if position is None:
            raise ValueError(f'{self.where}: no video {vid!r} among its {len(self)} videos; {REBUILD}')
        pairs = zip(indices[position].tolist(), similarities[position].tolist())
        return [(self.vids[i], value) for i, value in pairs if i >= 0]

    def check(self, vids: Iterable[str], feature_spec: FeatureSpec | None = None) -> None:
        """Make sure that the index fits a data set, before training starts.

        Args:
            vids: Videos of the data set; more videos in the index are not an error.
            feature_spec: Features of the data set; only what concerns videos is compared. None compares nothing.

        Raises:
            ValueError: If videos are absent, or other features were compared.
        """
        absent = list(dict.fromkeys(str(vid) for vid in vids if str(vid) not in self._position))
        if absent:
            raise ValueError(
                f'{self.where}: {len(absent)} videos of the data set are not among its {len(self)} videos: '
                f'{first_names(map(repr, absent))}; {REBUILD}'
            )
        if feature_spec is None or self.feature_spec is None:
            return
        lines = self.feature_spec.differences(feature_spec, 'index', 'data set')
        if lines := [line for line in lines if line.startswith(VIDEO_FIELDS)]:
            raise ValueError(f'{self.where}: built from other features: {"; ".join(lines)}; {REBUILD}')

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index as an ``.npz`` archive, atomically."""
        spec = None if self.feature_spec is None else self.feature_spec.to_dict()
        with atomic_write(path) as tmp, open(tmp, 'wb') as out:
            np.savez_compressed(
                out,
                format=np.array(FORMAT),
                vids=np.array(self.vids, dtype=np.str_),
                indices=self.indices,
                similarities=self.similarities,
                least_indices=self.least_indices,
                least_similarities=self.least_similarities,
                options=np.array(json.dumps(self.options, sort_keys=True)),
                feature_spec=np.array(json.dumps(spec, sort_keys=True)),
            )
        self.path = Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SimilarVideos:
        """Read an index.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged or something else.
        """
        source = Path(path)
        try:
            arrays = read_npz(source)
        except FileNotFoundError:
            raise FileNotFoundError(f'{source.absolute()}: no such index of similar videos; {REBUILD}') from None
        except (OSError, ValueError) as error:
            raise ValueError(
                f'{source.absolute()}: cannot be read as an index of similar videos ({error}); {REBUILD}'
            ) from None
        if str(arrays.pop('format', None)) != FORMAT:
            raise ValueError(f'{source.absolute()}: not an index of similar videos ({FORMAT}); {REBUILD}')
        spec = json.loads(str(arrays.pop('feature_spec')))
        options = json.loads(str(arrays.pop('options')))
        try:
            index = cls(**arrays, options=options, feature_spec=None if spec is None else FeatureSpec.from_dict(spec))
        except (TypeError, ValueError) as error:
            raise ValueError(f'{source.absolute()}: {error}') from None
        index.path = source
        return index
