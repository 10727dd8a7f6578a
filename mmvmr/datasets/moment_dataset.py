"""Data sets of video-sentence pairs."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmvmr.datasets.annotations import AnnotationReader, of_domain
from mmvmr.datasets.pipeline import MomentPipeline
from mmvmr.datasets.rng import SeededRng
from mmvmr.datasets.stores.feature_stores import check_complete
from mmvmr.datasets.stores.packed_store import INDEX_FILE, PackedStore
from mmvmr.registry import DATASETS, TASK_UTILS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import read_json
from mmvmr.utils.paths import below

SPEC_FILE = 'feature_spec.json'


class BaseMomentDataset(Dataset):
    """Annotation rows, feature stores and a pipeline.

    Random draws depend only on (seed, epoch, index). The epoch is in shared memory: :meth:`set_epoch` reaches
    workers that are already running (``persistent_workers``).

    Args:
        rows: Annotation rows.
        stores: Stream name to feature store; ``text`` is the text stream.
        feature_spec: The declared features.
        pipeline: Slots of :class:`mmvmr.datasets.pipeline.MomentPipeline`.
        seed: Seed of the random draws.
        limit: Use only this many rows, the first ones.
        indices: Use only these rows, in this order (after ``limit``).
        metainfo: What metrics and visualizers may want to know.
    """

    def __init__(
        self,
        rows: Sequence[dict[str, Any]],
        stores: Mapping[str, Any],
        feature_spec: FeatureSpec,
        pipeline: Mapping[str, Any],
        seed: int = 0,
        limit: int | None = None,
        indices: Sequence[int] | None = None,
        metainfo: Mapping[str, Any] | None = None,
    ) -> None:
        self._state = torch.tensor([seed, 0], dtype=torch.int64).share_memory_()
        self.stores = dict(stores)
        self.feature_spec = feature_spec
        self.metainfo = {'feature_spec': feature_spec.to_dict(), **(metainfo or {})}
        self.rows = self._rows(rows, limit, indices)
        self.pipeline = MomentPipeline(pipeline)
        tef = 'tef' in self.pipeline.finish
        if tef != feature_spec.tef:
            raise ValueError(
                f'feature_spec.tef is {feature_spec.tef}, but the pipeline slot "tef" is {"filled" if tef else "empty"}'
            )
        self.pipeline.bind(self)

    def _rows(
        self, rows: Sequence[dict[str, Any]], limit: int | None, indices: Sequence[int] | None
    ) -> Sequence[dict[str, Any]]:
        chosen = list(rows[:limit])
        return chosen if indices is None else [chosen[i] for i in indices]

    def set_epoch(self, epoch: int, seed: int | None = None) -> None:
        """Choose the epoch, counted from 0, in this process and in running workers; None keeps the present seed."""
        self._state[1] = epoch
        if seed is not None:
            self._state[0] = seed

    @property
    def epoch(self) -> int:
        """The present epoch."""
        return int(self._state[1])

    @property
    def seed(self) -> int:
        """Seed of the random draws."""
        return int(self._state[0])

    def __len__(self) -> int:
        return len(self.rows)

    def results(self, index: int, rng: Any = None, group: tuple[int, ...] | None = None) -> dict[str, Any]:
        """Initial results of the pipeline for a sample.

        Args:
            index: Index of the sample.
            rng: Source of random draws; by default :class:`SeededRng` of (seed, epoch, index).
            group: Samples that share the video with this one, itself included (see :class:`VideoSampler`).

        Returns:
            All keys of the annotation, and ``annotation``, ``index``, ``view``, ``clip_len`` and
            ``declared_clip_len`` (seconds, equal until a transform makes other clips), ``rng``. With a group also
            ``group``, the annotations of its samples, and ``group_rng``, which all of them share. The values belong to
            the annotation: a transform replaces them and never changes them in place.
        """
        row = self.rows[index]
        if rng is None:
            rng = SeededRng(*self._state.tolist(), index)
        clip_len = self.feature_spec.clip_len  # transforms may make other clips
        fixed = {'annotation': row, 'index': index, 'view': 'main', 'clip_len': clip_len, 'declared_clip_len': clip_len}
        if group is not None:
            # After the indices of the samples, whose random numbers it must not repeat.
            fixed['group_rng'] = SeededRng(self.seed, self.epoch, len(self) + group[0])
            fixed['group'] = [self.rows[i] for i in group]
        return {**row, **fixed, 'rng': rng}

    def loaded(self, index: int, rng: Any = None) -> dict[str, Any]:
        """A sample after loading and before augmentation, for transforms that mix it into another one.

        Args:
            index: Index of the sample.
            rng: Source of random draws, usually that of the sample it is mixed into.
        """
        return self.pipeline.load(self.results(index, rng))

    def prepare(self, index: int, rng: Any = None, group: tuple[int, ...] | None = None) -> dict[str, Any]:
        """A sample after the whole pipeline; the arguments are those of :meth:`results`."""
        return self.pipeline(self.results(index, rng, group))

    def __getitem__(self, index: int | tuple[int, ...]) -> dict[str, Any] | list[dict[str, Any]]:
        # A tuple from VideoSampler: the sentences of a video.
        return [self.prepare(i, group=index) for i in index] if isinstance(index, tuple) else self.prepare(index)


@DATASETS.register_module()
class MomentDataset(BaseMomentDataset):
    """Annotations in a jsonl file, features in stores.

    Args:
        ann_file: The jsonl file, or a list of them, relative to ``data_root``; see
            :class:`mmvmr.datasets.AnnotationReader`.
        feature_spec: See :meth:`mmvmr.structures.FeatureSpec.from_dict`. Where ``spec_file`` is in ``data_root``,
            the two are compared.
        stores: Stream name to the config of its store; ``text`` is the text stream. Entries for streams that the
            specification does not declare are ignored, so a child config drops a stream in one place. The folder of
            packed features as ``packed`` takes the place of all of them (see :class:`mmvmr.datasets.PackedStore`).
        pipeline: Slots of :class:`mmvmr.datasets.pipeline.MomentPipeline`.
        data_root: Root of all relative paths.
        annotations: Options of :class:`mmvmr.datasets.AnnotationReader`.
        check_features: Look for every feature file when the data set is built, not in the middle of an epoch.
        spec_file: Specification that a converter left with the features, relative to ``data_root``.
        limit: Use only this many rows, the first ones.
        domain: Use only the rows of this ``domain`` (TVSum, YouTube Highlights); None for all.
        kwargs: ``seed``, ``indices``, ``metainfo`` of :class:`BaseMomentDataset`.

    Raises:
        FileNotFoundError: If annotations or features are missing.
        ValueError: If annotations are impossible or the specification does not fit the features.
    """

    def __init__(
        self,
        ann_file: str | Sequence[str],
        feature_spec: Mapping[str, Any],
        stores: Mapping[str, Any],
        pipeline: Mapping[str, Any],
        data_root: str = '',
        annotations: Mapping[str, Any] | None = None,
        check_features: bool = True,
        spec_file: str = SPEC_FILE,
        limit: int | None = None,
        domain: str | None = None,
        **kwargs: Any,
    ) -> None:
        spec, built = open_features(feature_spec, stores, data_root, spec_file)
        paths = annotation_files(ann_file, data_root)
        rows = _read_all(AnnotationReader(**(annotations or {})), paths, limit if domain is None else None)
        if domain is not None:
            rows = of_domain(rows, domain, ' and '.join(map(str, paths)))[:limit]
        self.data_root = below(data_root)  # transforms that read additional files find them there
        self.ann_path = paths[0] if len(paths) == 1 else None
        super().__init__(rows, built, spec, pipeline, **kwargs)
        if check_features:
            check_complete(self.stores, self.rows)


def annotation_files(ann_file: str | Sequence[str], data_root: str = '') -> list[Path]:
    """Paths of the annotation files of a :class:`MomentDataset`; ValueError if there is none."""
    names = [ann_file] if isinstance(ann_file, (str, os.PathLike)) else list(ann_file)
    if not names:
        raise ValueError('ann_file is an empty list, expected at least one file')
    return [below(data_root, name) for name in names]


def _read_all(reader: AnnotationReader, paths: Sequence[Path], limit: int | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    owners: dict[str, Path] = {}  # features are stored by the text of a qid
    for path in paths:
        more = reader.read(path, None if limit is None else limit - len(rows)) if limit != len(rows) else []
        for row in more:
            if (other := owners.setdefault(str(row['qid']), path)) is not path:
                raise ValueError(f'{path}: qid {row["qid"]!r} is in {other} already; make every qid unique')
        rows += more
    return rows


def open_features(
    feature_spec: Mapping[str, Any], stores: Mapping[str, Any], data_root: str = '', spec_file: str = SPEC_FILE
) -> tuple[FeatureSpec, dict[str, Any]]:
    """Build the stores of a data set and compare what is declared with what is stored with the features.

    The arguments are those of :class:`MomentDataset`.

    Returns:
        The specification, and the name of every stream (``text`` for the text stream) to its store.

    Raises:
        ValueError: If a stream has no store, or the specification does not fit the features.
    """
    root = str(below(data_root)) if data_root else ''
    spec = _checked_spec(FeatureSpec.from_dict(feature_spec), below(root, spec_file))
    names = [s.name for s in spec.streams] + ['text']
    if stores.get('packed') is not None:
        stores = {
            name: {'type': 'PackedStore', 'folder': str(below('', stores['packed'])), 'stream': name} for name in names
        }
    if absent := [name for name in names if stores.get(name) is None]:
        raise ValueError(f'dataset.stores: no store for the streams {absent} of feature_spec')
    built = {name: TASK_UTILS.build(dict(copy.deepcopy(stores[name]), data_root=root)) for name in names}
    return _fitting_packs(spec, built), built


def _checked_spec(declared: FeatureSpec, path: Path) -> FeatureSpec:
    """Compare the declared specification with the one stored with the features, where there is one."""
    return _fitting(declared, FeatureSpec.from_dict(read_json(path)), path) if path.is_file() else declared


def _fitting_packs(declared: FeatureSpec, stores: Mapping[str, Any]) -> FeatureSpec:
    """Compare the declared specification with those of packed stores."""
    packed = {store.where: store for store in stores.values() if isinstance(store, PackedStore)}
    for where, store in packed.items():
        declared = _fitting(declared, store.pack.spec, Path(where, INDEX_FILE), store.mismatches(declared))
    return declared


def _fitting(declared: FeatureSpec, stored: FeatureSpec, path: Path, others: Sequence[str] = ()) -> FeatureSpec:
    by_name = {s.name: s for s in (*stored.streams, stored.text)}
    issues = []
    for stream in (*declared.streams, declared.text):
        there = by_name.get(stream.name)
        if there is None:
            issues.append(f'stream {stream.name!r} is declared, the features have {sorted(by_name)}')
        elif there.dim != stream.dim:
            issues.append(f'stream {stream.name!r}: dim {stream.dim} is declared, the features have {there.dim}')
    if abs(stored.clip_len - declared.clip_len) > 1e-3 * declared.clip_len:
        issues.append(f'clip_len {declared.clip_len} s is declared, the features have {stored.clip_len} s')
    if issues := issues or list(others):
        raise ValueError(f'feature_spec does not fit the features ({path.absolute()}): ' + '; '.join(issues))
    if not stored.surrogate:
        return declared
    print_log(
        f'{path.absolute()}: these are surrogate features made from annotations; no figure is a result',
        logger='current',
        level=30,
    )
    return FeatureSpec.from_dict({**declared.to_dict(), 'surrogate': True})
