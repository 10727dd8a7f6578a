"""Opening the data sets of a config for checks: errors become issues of the report instead of ending it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.datasets.agreement import Agreement
from mmvmr.datasets.annotations import AnnotationReader, of_domain
from mmvmr.datasets.moment_dataset import SPEC_FILE, MomentDataset, annotation_files, open_features
from mmvmr.datasets.schema import Rules, row_issues
from mmvmr.preparation.checks.finding import ERROR, Results, found
from mmvmr.preparation.checks.split import Split, duration_tolerance
from mmvmr.registry import DATASETS, TRANSFORMS
from mmvmr.structures import FeatureSpec
from mmvmr.utils.io import iterate_jsonl

#: What wrong paths, options or files raise.
_ISSUES = (ImportError, KeyError, OSError, TypeError, ValueError)
_OPEN = ('open', ERROR)


def open_splits(cfg: Config, names: Sequence[str]) -> tuple[list[Split], Results]:
    """Open the data sets of a config.

    Args:
        cfg: The config, with its data root applied.
        names: Some of ``train``, ``val`` and ``test``. A split that reads the same as an earlier one is left out.

    Returns:
        The splits that could be opened, and what is wrong with them or with the others.
    """
    splits: list[Split] = []
    results: Results = []
    seen: dict[str, str] = {}
    for name in names:
        loader = cfg.get(f'{name}_dataloader')
        for number, dataset in enumerate(_inner(loader.get('dataset')) if loader else ()):
            source = _source(dataset)
            if source in seen and seen[source] != 'train':
                continue
            seen[source] = name
            split, more = read_split(name if not number else f'{name} {number + 1}', dataset)
            results += more
            splits += [] if split is None else [split]
    return splits, results


def _source(dataset: Mapping[str, Any]) -> str:
    """Key that identifies the rows of a data set: everything but the pipeline."""
    return repr(sorted((key, str(value)) for key, value in dataset.items() if key not in ('pipeline', 'metainfo')))


def _inner(dataset: Any) -> Iterator[dict[str, Any]]:
    """The configs of the data sets inside wrappers."""
    if not isinstance(dataset, Mapping):
        return
    if 'datasets' in dataset:
        for part in dataset['datasets']:
            yield from _inner(part)
    elif 'dataset' in dataset:
        inner = Config({'dataset': copy.deepcopy(dict(dataset['dataset']))})
        inner.merge_from_dict({'dataset': copy.deepcopy(dict(dataset.get('changes') or {}))})
        yield from _inner(inner.dataset)
    else:
        yield copy.deepcopy(dict(dataset))


def read_split(name: str, dataset: Mapping[str, Any], features: bool = True) -> tuple[Split | None, Results]:
    """Open one data set.

    Args:
        name: What messages call it.
        dataset: Its config.
        features: Also open the feature stores.

    Returns:
        The split, None where it cannot be opened, and what is wrong with it.
    """
    kind = DATASETS.get(dataset.get('type', ''))
    try:
        if isinstance(kind, type) and issubclass(kind, MomentDataset):
            return _moments(name, dict(dataset), features)
        built = DATASETS.build(copy.deepcopy(dict(dataset)))
        return Split.of(name, built), []
    except _ISSUES as error:
        return None, found(*_OPEN, name, [_line(error)], 'data set cannot be opened', 'Correct the config or the files')


def _moments(name: str, cfg: dict[str, Any], features: bool) -> tuple[Split | None, Results]:
    """A :class:`MomentDataset`, row by row and without its pipeline."""
    root = cfg.get('data_root', '')
    reader = AnnotationReader(**(cfg.get('annotations') or {}))
    paths = annotation_files(cfg['ann_file'], root)
    rows, results = _rows(name, cfg, paths)
    rows = reader.kept(rows, _together(paths))
    cuts = [f'{key}={cfg[key]!r}' for key in ('limit', 'domain', 'indices') if cfg.get(key) is not None]
    options: dict[str, Any] = {
        'window_tolerance': reader.rules.window_tolerance,
        'outside': reader.rules.outside,
        'partial': ', '.join(cuts)[:80],
        'path': paths[0] if len(paths) == 1 else None,
    }
    if not features:
        spec = FeatureSpec.from_dict(cfg['feature_spec'])
        return Split(name, rows, spec, **options), results
    try:
        augment = {key: node for key, node in (cfg['pipeline'].get('augment') or {}).items() if node is not None}
        slots = [key for key, node in augment.items() if hasattr(TRANSFORMS.get(node['type']), 'applicable')]
        options['augment'] = {key: TRANSFORMS.build(augment[key]) for key in slots}
        if (targets := cfg['pipeline'].get('targets')) is not None:
            options['targets'] = TRANSFORMS.build(targets)
        spec, stores = open_features(cfg['feature_spec'], cfg['stores'], root, cfg.get('spec_file', SPEC_FILE))
        load = TRANSFORMS.build(cfg['pipeline']['load'])
    except _ISSUES as error:
        advice = 'Correct the config or the files; nothing is said about features before that'
        results += found(*_OPEN, name, [_line(error)], 'feature store cannot be opened', advice)
        return Split(name, rows, **options), results
    return Split(name, rows, spec, stores, duration_tolerance(load), **options), results


def _rows(name: str, cfg: Mapping[str, Any], paths: Sequence[Path]) -> tuple[list[dict[str, Any]], Results]:
    """The good rows of annotation files, and what is wrong with the others."""
    limit, domain = cfg.get('limit'), cfg.get('domain')
    places: dict[int, tuple[Path, int]] = {}  # by identity: what is wrong with a row may be its qid
    rows = []
    for path in paths:
        for line, row in iterate_jsonl(path):
            if isinstance(row, ValueError):
                raise row
            places[id(row)] = (path, line)
            rows.append(row)
    rows = (rows if domain is None else of_domain(rows, domain, _together(paths)))[:limit]
    good, refused, agreement = [], [], Agreement()
    anywhere = Rules(outside='clip')  # windows outside of the video have a separate check
    for row in rows:
        path, line = places[id(row)]
        place = f'line {line}' if len(paths) == 1 else f'{path}:{line}'
        if issues := row_issues(row, anywhere) or agreement.issues(row, place):
            refused.append(f'{path}:{line}, qid {row.get("qid")!r}: {"; ".join(map(str, issues))}')
        else:
            good.append(row)
    results: Results = [
        *found(
            'annotations',
            ERROR,
            name,
            refused,
            f'rows of {_together(paths)} are refused when the file is read',
            'Correct them: training does not start',
            len(rows),
        )
    ]
    if not refused and cfg.get('indices') is not None:
        good = [good[i] for i in cfg['indices']]
    return good, results


def _together(paths: Sequence[Path]) -> str:
    return ' and '.join(map(str, paths))


def _line(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f'the config of the data set has no key {error}'
    return f'{type(error).__name__}: {" ".join(str(error).split())}'
