"""Reading configs: names of shipped ones, private names, and one specification of the features for a whole config.

Importing this module extends :class:`mmengine.config.Config`, so that ``Config.fromfile`` reads the configs of mmvmr as
:func:`read_config` does: ``mmvmr::`` in ``_base_``, top-level names that start with an underscore are dropped, and the
features are resolved. YAML is read without running its tags. Modules of mmvmr that build from configs import it.
"""

from __future__ import annotations

import copy
import difflib
import inspect
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.fileio import BaseFileHandler, register_handler
from mmengine.registry import Registry

from mmvmr.registry import DATASETS, MODELS
from mmvmr.structures.feature_spec import FeatureSpec
from mmvmr.utils.content import parse_yaml, regular_file
from mmvmr.utils.paths import configs_dir

#: Prefix of the shipped configs, in ``_base_`` and on command lines.
SCHEME = 'mmvmr::'
#: Top-level keys that every data set receives.
SHARED_KEYS = ('feature_spec', 'stores')
_SPLITS = ('train', 'val', 'test')
_NOT_LEAVES = {'_base_', 'features', 'grids'}

_mmengine_fromfile = Config.fromfile
_mmengine_cfg_path = Config._get_cfg_path
_mmengine_parse_scope = Config._parse_scope


@register_handler(['yaml', 'yml'])
class SafeYamlHandler(BaseFileHandler):
    """Reader of YAML configs to which tags such as ``!!python/object/apply`` are unknown; mmengine's runs them."""

    def load_from_fileobj(self, file: Any, **_: Any) -> Any:
        """Parse a file."""
        return parse_yaml(file)

    def dump_to_fileobj(self, obj: Any, file: Any, **options: Any) -> None:
        """Write plain values to a file."""
        yaml.safe_dump(obj, file, **options)

    def dump_to_str(self, obj: Any, **options: Any) -> str:
        """Plain values as text."""
        return yaml.safe_dump(obj, **options)


def shipped_configs() -> dict[str, Path]:
    """The shipped configs that can be trained: name without suffix (``sa_detr_qvhl``) to file."""
    root = configs_dir()
    files = (path for path in sorted(root.rglob('*.py')) if not _NOT_LEAVES & set(path.relative_to(root).parts))
    return {path.stem: path for path in files}


def find_config(name: str | Path) -> Path:
    """Find a config file by its path or its name.

    Args:
        name: A file; or a shipped config as ``sa_detr_qvhl``, ``sa_detr/sa_detr_qvhl.py`` or
            ``mmvmr::sa_detr/sa_detr_qvhl.py``.

    Raises:
        FileNotFoundError: If there is none; the message gives the nearest names.
    """
    if (path := Path(name)).exists() and not path.is_dir():
        return regular_file(path)
    word = str(name).removeprefix(SCHEME)
    shipped = shipped_configs()
    if (path := configs_dir() / word).is_file():
        return path
    stem = Path(word).name.removesuffix('.py')
    if word in (stem, f'{stem}.py') and stem in shipped:
        return shipped[stem]
    near = difflib.get_close_matches(stem, shipped, n=3)
    hint = f'; near names of shipped configs: {", ".join(near)}' if near else ''
    raise FileNotFoundError(f'config {name}: no such file, and no shipped config has this name{hint}')


def read_config(name: str | Path) -> Config:
    """Read a config.

    Args:
        name: See :func:`find_config`.

    Returns:
        The config, with resolved features.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If its widths contradict its features.
    """
    return Config.fromfile(find_config(name))


def nested_dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dict in nested dicts and lists and its dotted path, outer ones first; they may be changed on the way."""
    if isinstance(node, dict):
        yield path, node
    parts = list(node.items()) if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else ()
    for key, part in parts:
        yield from nested_dicts(part, f'{path}.{key}'.lstrip('.'))


def resolve_features(cfg: Config) -> None:
    """Give ``feature_spec`` and ``stores`` of the top level to every data set, and the widths to the model.

    What a data set sets itself is merged over what it receives (None removes a stream, ``_delete_=True`` everything).
    ``model.projector.video_dims`` and ``text_dims`` are those of the training data, or of the validation or test data
    where there is no other; two temporal endpoint features count as video where the specification has them. What has
    ``stream`` and ``channels`` (:class:`SimilarityMap`) gets the channels of the named stream, or of the first one.

    Args:
        cfg: The config; changed in place. Resolving twice changes nothing.

    Raises:
        ValueError: If a width of the config contradicts its features, or these have no such stream; the message names
            the keys.
    """
    for _, dataset in _datasets(cfg):
        for key in SHARED_KEYS:
            if isinstance(cfg.get(key), Mapping) and _receives(dataset):
                dataset[key] = _merged(cfg[key], dataset.get(key) or {})
        for key, width in _generated_widths(cfg, dataset):
            dataset.setdefault(key, width)
    for path, node, key, width, why in _widths(cfg):
        if node.get(key) is None:
            if _accepts(MODELS, node, key):
                node[key] = width
        elif node[key] != width:
            where = why.partition(' makes')[0]
            raise ValueError(
                f'{path}.{key} is {node[key]}, but {why}: remove {path}.{key}, which follows from the features, or '
                f'correct {where}'
            )


def separate_features(cfg: Config) -> None:
    """Take back in place what :func:`resolve_features` wrote, so that the top-level keys can be changed."""
    for _, node, key, width, _ in _widths(cfg):
        if node.get(key) == width:
            del node[key]
    for _, dataset in _datasets(cfg):
        for key in SHARED_KEYS:
            if isinstance(cfg.get(key), Mapping) and isinstance(dataset.get(key), Mapping):
                changed = _without(dataset.pop(key), cfg[key])
                if changed:
                    dataset[key] = changed
        for key, width in _generated_widths(cfg, dataset):
            if dataset.get(key) == width:
                del dataset[key]


def _specification(cfg: Config) -> tuple[str, FeatureSpec] | None:
    """The specification that decides the widths, and the key that says it."""
    common = cfg.get('feature_spec')
    for split, dataset in _datasets(cfg):
        value = dataset.get('feature_spec')
        if value is not None and _complete(value):
            where = 'feature_spec' if value == common else f'{split}_dataloader.dataset.feature_spec'
            return where, FeatureSpec.from_dict(value)
        widths = dict(_generated_widths(cfg, dataset))
        if widths and any(dataset.get(key, width) != width for key, width in widths.items()):
            streams = {'generated': {'dim': dataset.get('video_dim', widths['video_dim'])}}
            text = {**common['text'], 'dim': dataset.get('text_dim', widths['text_dim'])}
            spec = FeatureSpec.from_dict({**common, 'streams': streams, 'text': text})
            return f'{split}_dataloader.dataset.video_dim and text_dim', spec
    return ('feature_spec', FeatureSpec.from_dict(common)) if _complete(common) else None


def _widths(cfg: Config) -> Iterator[tuple[str, dict[str, Any], str, Any, str]]:
    """Entries of the model that follow from the features: path, dict, key, value and where that comes from."""
    specification, model = _specification(cfg), cfg.get('model') or {}
    if specification is None:
        return
    where, spec = specification
    text = f'{where} makes {spec.text_dim} (text.dim)'
    if isinstance(projector := model.get('projector'), dict):
        video = f'{where} makes {spec.video_dim} ({_video_text(spec)})'
        yield 'model.projector', projector, 'video_dims', spec.video_dim, video
        yield 'model.projector', projector, 'text_dims', spec.text_dim, text
    places = stream_channels(spec)
    for path, node in nested_dicts(model, 'model'):
        if 'type' not in node or not all(_accepts(MODELS, node, key, default=False) for key in ('stream', 'channels')):
            continue
        name, channels = node.get('stream'), node.get('channels')
        if name is not None and name not in places:
            raise ValueError(f'{path}.stream is {name!r}, but {where} has the streams {", ".join(places)}: name one')
        place = places[name or spec.streams[0].name]
        width = list(place) if isinstance(channels, list) else place
        if name is not None or channels in (None, width):  # without a name, any channels can be meant
            yield path, node, 'channels', width, f'{where} makes {width} ({_video_text(spec)})'
        yield path, node, 'text_dims', spec.text_dim, text


def stream_channels(spec: FeatureSpec) -> dict[str, tuple[int, int]]:
    """Streams to first and last (exclusive) channel."""
    ends = list(itertools.accumulate((stream.dim for stream in spec.streams), initial=0))
    return {stream.name: place for stream, place in zip(spec.streams, itertools.pairwise(ends), strict=True)}


def _complete(value: Any) -> bool:
    return isinstance(value, Mapping) and {'streams', 'text', 'clip_len'} <= set(value)


def _generated_widths(cfg: Config, dataset: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Arguments of a data set that makes its own features, and their values by the specification."""
    if _complete(cfg.get('feature_spec')) and _accepts(DATASETS, dataset, 'video_dim', default=False):
        spec = FeatureSpec.from_dict(cfg['feature_spec'])
        yield 'video_dim', sum(stream.dim for stream in spec.streams)
        yield 'text_dim', spec.text_dim


def _datasets(cfg: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every data set of the loaders, also inside of wrappers, with its split."""

    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, (list, tuple)):
            for child in node:
                yield from walk(child)
        elif isinstance(node, dict):
            yield node
            yield from walk(node.get('dataset'))
            yield from walk(node.get('datasets'))

    for split in _SPLITS:
        loader = cfg.get(f'{split}_dataloader')
        if isinstance(loader, Mapping):
            yield from ((split, dataset) for dataset in walk(loader.get('dataset')))


def _receives(dataset: Mapping[str, Any]) -> bool:
    """True if a data set loads stored features (a wrapper does not, nor does one that makes its own)."""
    return any(key in dataset for key in SHARED_KEYS) or _accepts(DATASETS, dataset, 'feature_spec', default=False)


def _accepts(registry: Registry, node: Mapping[str, Any], argument: str, default: bool = True) -> bool:
    """True if the type of a dict has an argument; ``default`` for an unknown type."""
    kind = node.get('type')
    constructor = registry.get(kind) if isinstance(kind, str) else kind
    return default if constructor is None else argument in inspect.signature(constructor).parameters


def _merged(common: Mapping[str, Any], special: Mapping[str, Any]) -> dict[str, Any]:
    content = copy.deepcopy(dict(special))
    return content if content.pop('_delete_', False) else Config._merge_a_into_b(content, copy.deepcopy(dict(common)))


def _without(full: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """The dict that merges into ``common`` to make ``full``."""
    if set(common) - set(full):
        return {'_delete_': True, **full}
    difference = {}
    for key, value in full.items():
        if key not in common:
            difference[key] = value
        elif value != common[key]:
            both = isinstance(value, Mapping) and isinstance(common[key], Mapping)
            difference[key] = _without(value, common[key]) if both else value
    return difference


def _video_text(spec: FeatureSpec) -> str:
    parts = [f'{stream.name} {stream.dim}' for stream in spec.streams] + ['tef 2'] * spec.tef
    return ' + '.join(parts)


def _fromfile(filename: str | Path, *args: Any, **kwargs: Any) -> Config:
    cfg = _mmengine_fromfile(filename, *args, **kwargs)
    if isinstance(cfg.get('feature_spec'), Mapping):
        resolve_features(cfg)
    return cfg


def _config_path(path: str, filename: str) -> tuple[str, str | None]:
    if path.startswith(SCHEME):
        return str(configs_dir() / path.removeprefix(SCHEME)), None
    return _mmengine_cfg_path(path, filename)


def _parse_scope(content: dict[str, Any]) -> None:
    """Drop the private names of one file, before it is merged into its bases."""
    if type(content) is dict:  # mmengine comes back with the ConfigDicts inside
        for name in [name for name in content if str(name).startswith('_') and name != '_base_']:
            del content[name]
    _mmengine_parse_scope(content)


Config.fromfile = staticmethod(_fromfile)
Config._get_cfg_path = staticmethod(_config_path)
Config._parse_scope = staticmethod(_parse_scope)
