"""Splits on which the robustness of a model is evaluated."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmengine.config import Config

from mmvmr.evaluation.functional import Protocol, get_protocol
from mmvmr.registry import DATASETS
from mmvmr.utils.io import read_json

#: In a folder: the data set that is there, see tools/dataset_converters/build_dynamic_context.py.
DATASET_FILE = 'dataset.json'


@dataclasses.dataclass(frozen=True)
class Split:
    """A split that is evaluated.

    Attributes:
        name: Its name in the report.
        dataset: The data set; its rows all have moments.
        loader: Config of the data loader, without the data set.
        protocol: How its predictions are scored.
        unlabelled: How many rows were left out because they have no moments.
    """

    name: str
    dataset: Any
    loader: Mapping[str, Any]
    protocol: Protocol
    unlabelled: int = 0


def known_splits(cfg: Config) -> dict[str, dict[str, Any]]:
    """The splits that a config names.

    Args:
        cfg: The config. ``robustness.splits`` holds name to what differs from ``val_dataloader.dataset`` (or from
            that of the loader that its key ``loader`` names); without it there are ``val`` and ``test``.

    Returns:
        Name to that difference, in order.
    """
    declared = (cfg.get('robustness') or {}).get('splits') or {}
    splits = {name: dict(entry) for name, entry in declared.items() if entry is not None}
    for name in ('val', 'test'):
        if cfg.get(f'{name}_dataloader') and name not in splits:
            splits[name] = {'loader': name}
    return splits


def open_split(cfg: Config, wanted: str, seed: int = 0, limit: int | None = None) -> Split:
    """Build the data set of a split.

    Args:
        cfg: The config, after :func:`mmvmr.utils.setup.setup_env` or ``apply_data_root``.
        wanted: A name of :func:`known_splits`, or ``NAME=PATH``: another annotation file for the data set of
            validation, or a folder with ``dataset.json``.
        seed: Seed of whatever a probe draws.
        limit: Use only this many labelled queries, the first ones.

    Raises:
        ValueError: If there is no such split, or none of its queries has moments.
        FileNotFoundError: If its files are missing.
    """
    name, _, path = wanted.partition('=')
    splits = known_splits(cfg)
    change = _from_path(path) if path else splits.get(name)
    if change is None:
        raise ValueError(
            f'unknown split {name!r}: this config has {list(splits)}. Add robustness.splits.{name}=dict(...) with '
            'what differs from val_dataloader.dataset, or give NAME=ANNOTATIONS.jsonl or NAME=FOLDER'
        )
    change = copy.deepcopy(change)
    which = change.pop('loader', 'val' if cfg.get('val_dataloader') else 'test')
    loader = copy.deepcopy(cfg.get(f'{which}_dataloader'))
    if loader is None:
        raise ValueError(f'split {name!r}: the config has no {which}_dataloader')
    dataset = _build_dataset(loader.pop('dataset'), change)
    labelled = [row for row in dataset.rows if row.get('relevant_windows')]
    unlabelled, dataset.rows = len(dataset.rows) - len(labelled), labelled[:limit]
    if not dataset.rows:
        raise ValueError(f'split {name!r} has no relevant_windows: predictions cannot be scored, use a labelled split')
    dataset.set_epoch(0, seed)
    return Split(name, dataset, loader, _protocol(cfg, which), unlabelled)


def _from_path(path: str) -> dict[str, Any]:
    source = Path(path)
    if source.is_dir():
        return {'data_root': str(source), **read_json(source / DATASET_FILE)}
    if not source.is_file():
        raise FileNotFoundError(f'{source.absolute()}: no such annotation file or folder')
    return {'ann_file': str(source.absolute())}


def _build_dataset(base: Any, change: Mapping[str, Any]) -> Any:
    if 'pipeline' not in base:
        raise ValueError(f'{base.get("type")} has no pipeline: name a split with a plain data set')
    if change.get('type', base['type']) != base['type']:
        base = {'pipeline': base['pipeline'], **change}
    elif 'feature_spec' in change:  # a folder that says all about itself
        base = {**base, **change}
    else:
        base = Config._merge_a_into_b(dict(change), dict(base))
    # Views of other probes would be predicted for nothing.
    augment = base['pipeline'].get('augment') or {}
    main_augment = {key: value for key, value in augment.items() if value is not None and not value.get('view')}
    base = {**base, 'pipeline': {**base['pipeline'], 'augment': main_augment}}
    return DATASETS.build(base)


def _protocol(cfg: Config, which: str) -> Protocol:
    metrics = cfg.get(f'{which}_evaluator') or []
    for metric in metrics if isinstance(metrics, (list, tuple)) else [metrics]:
        if metric.get('type') == 'MomentRetrievalMetric':
            protocol = get_protocol(metric.get('protocol', 'qvhighlights'))
            # All queries as one range, and R1@0.9, which TD-DETR reports of masked videos.
            return dataclasses.replace(protocol, lengths=MappingProxyType({'full': None}))
    raise ValueError(f'{which}_evaluator has no MomentRetrievalMetric: only moments are evaluated here')
