"""Videos joined from trimmed clips, where neither position nor context says where the moment is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvmr.datasets.annotations import AnnotationReader
from mmvmr.datasets.joined_rows import DrawnRows, check_joinable, read_clips
from mmvmr.datasets.moment_dataset import SPEC_FILE, BaseMomentDataset, open_features
from mmvmr.datasets.stores.feature_stores import check_complete
from mmvmr.datasets.stores.parts_store import PartsStore
from mmvmr.registry import DATASETS
from mmvmr.utils import read_jsonl


@DATASETS.register_module()
class JoinedVideos(BaseMomentDataset):
    """Trimmed clips with a sentence each, joined in random order; one of them is asked for.

    Windows are exact, positions uniform over the parts, and the context has nothing to do with the sentence. The file
    has one of two forms:

    - clips (``vid``, ``num_clips``, ``query``): every epoch makes new joins, only from (seed, epoch, index), so that
      neither the number of workers nor an interruption changes them;
    - fixed joins for evaluation: annotation rows with ``parts`` (names in order) and ``text`` (the part whose sentence
      it is), as ``tools/dataset_converters/join_videos.py`` writes them.

    Args:
        ann_file: The jsonl file, relative to ``data_root``.
        feature_spec: See :meth:`mmvmr.structures.FeatureSpec.from_dict`.
        stores: Stream name to the config of its store: clips by ``{vid}``, sentences by ``{text}``.
        pipeline: Slots of :class:`mmvmr.datasets.pipeline.MomentPipeline`.
        num_videos: Parts of a drawn join.
        joins: Drawn joins of an epoch that ask for the same clip.
        data_root: Root of all relative paths.
        cache: Keep the stored arrays of parts in memory (in every worker process).
        check_features: Look for every feature file when the data set is built.
        spec_file: Specification that a converter left with the features, relative to ``data_root``.
        limit: Use only this many rows of the file, the first ones.
        kwargs: ``seed``, ``indices`` (of fixed joins), ``metainfo`` of :class:`BaseMomentDataset`.

    Raises:
        FileNotFoundError: If annotations or features are missing.
        ValueError: If annotations are impossible, or clips are too few to be joined.
    """

    def __init__(
        self,
        ann_file: str,
        feature_spec: Mapping[str, Any],
        stores: Mapping[str, Any],
        pipeline: Mapping[str, Any],
        num_videos: int = 5,
        joins: int = 1,
        data_root: str = '',
        cache: bool = True,
        check_features: bool = True,
        spec_file: str = SPEC_FILE,
        limit: int | None = None,
        **kwargs: Any,
    ) -> None:
        spec, built = open_features(feature_spec, stores, data_root, spec_file)
        path = Path(data_root, ann_file)
        self.data_root = Path(data_root)  # transforms that read additional files find them there
        self.num_videos, self.joins = num_videos, joins
        first = read_jsonl(path, 1)
        self.fixed = bool(first) and 'parts' in first[0]
        rows: Sequence[Any]
        lengths: dict[Any, int] = {}
        if self.fixed:
            rows = AnnotationReader().read(path, limit)
            check_fixed(rows, path)
        else:
            if pipeline.get('load', {}).get('cache'):
                raise ValueError(
                    f'{path}: every epoch draws other joins, and pipeline.load.cache=True would keep all of them in '
                    'memory: remove it (the parts are kept, see the option cache of the data set)'
                )
            if joins < 1:
                raise ValueError(f'JoinedVideos: joins={joins}, expected a positive number')
            rows = read_clips(path, limit)
            check_joinable(rows, num_videos, path)
            lengths.update((clip.vid, clip.num_clips) for clip in rows)
        built = {name: store if name == 'text' else PartsStore(store, lengths, cache) for name, store in built.items()}
        super().__init__(rows, built, spec, pipeline, **kwargs)
        if check_features:
            check_complete(self.stores, self.rows[: len(rows)])

    def _rows(self, rows: Sequence[Any], limit: int | None, indices: Sequence[int] | None) -> Sequence[dict[str, Any]]:
        if self.fixed:
            return super()._rows(rows, limit, indices)
        if indices is not None:
            raise ValueError('JoinedVideos: indices choose fixed joins; use limit for clips, which are drawn from')
        return DrawnRows(rows, self.joins, self.num_videos, self.feature_spec.clip_len, self._state)


def check_fixed(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Refuse fixed joins without ``parts``, or whose ``text`` is none of them."""
    for number, row in enumerate(rows, start=1):
        parts = row.get('parts')
        if not isinstance(parts, list) or not parts:
            raise ValueError(
                f'{path}: row {number}, qid {row["qid"]!r}: parts is {parts!r}, expected the names of the joined '
                'videos; a file holds either clips or fixed joins'
            )
        if row.get('text') not in parts:
            raise ValueError(
                f'{path}: row {number}, qid {row["qid"]!r}: text is {row.get("text")!r}, expected one of parts {parts}'
            )
