"""Check of every key of a config against what it is given to, before anything is built.

A dict with a ``type`` is looked up in the registry of its section (then in all others), and its keys are compared with
the arguments of that class. ``**kwargs`` that a class hands on to its base are followed there; where they go elsewhere
any key is let through.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import Registry
from mmengine.runner import Runner, set_random_seed

from mmvmr import registry as r
from mmvmr.utils.choices import closest
from mmvmr.utils.config import nested_dicts
from mmvmr.utils.config_values import odd_values
from mmvmr.utils.merging import merge_configs

#: Top-level keys that mean something although they are no argument of the runner.
EXTRA_KEYS = {
    'auto_scale_lr',
    'compile',
    'custom_imports',
    'data_root',
    'domain',
    'extraction',
    'extractors',
    'feature_spec',
    'find_unused_parameters',
    'load_from_partial',
    'model_wrapper_cfg',
    'robustness',
    'runner_type',
    'stores',
    'sync_bn',
    'work_dir',
}
_LOADER_KEYS = {'batch_sampler', 'collate_fn', 'dataset', 'num_batch_per_epoch', 'sampler', 'worker_init_fn'}
_LOADER_KEYS |= set(inspect.signature(torch.utils.data.DataLoader).parameters)
_PARAMWISE_KEYS = {'norm_decay_mult', 'bias_lr_mult', 'bias_decay_mult', 'dwconv_decay_mult', 'dcn_offset_lr_mult'}
_PARAMWISE_KEYS |= {'bypass_duplicate', 'flat_decay_mult', 'custom_keys'}
_ENV_KEYS = {
    'cudnn_benchmark': None,
    'mp_cfg': {'mp_start_method', 'opencv_num_threads'},
    'dist_cfg': None,  # passed on to the backend
    'resource_limit': None,
}
_IMPLIED_LOOPS = {'train_cfg': 'EpochBasedTrainLoop', 'val_cfg': 'ValLoop', 'test_cfg': 'TestLoop'}
#: Section to the registry where its types are looked up first, and keys that mmengine takes in addition to the
#: arguments.
_SECTIONS: dict[str, tuple[Registry, frozenset[str]]] = {
    'model': (r.MODELS, frozenset()),
    **{f'{split}_evaluator': (r.METRICS, frozenset()) for split in ('val', 'test')},
    **{key: (r.LOOPS, frozenset({'by_epoch'})) for key in _IMPLIED_LOOPS},
    'optim_wrapper': (r.OPTIM_WRAPPERS, frozenset({'constructor', 'paramwise_cfg', 'optimizer'})),
    'param_scheduler': (r.PARAM_SCHEDULERS, frozenset({'convert_to_iter_based'})),
    'default_hooks': (r.HOOKS, frozenset({'priority'})),
    'custom_hooks': (r.HOOKS, frozenset({'priority'})),
    'visualizer': (r.VISUALIZERS, frozenset()),
    'log_processor': (r.LOG_PROCESSORS, frozenset()),
    'model_wrapper_cfg': (r.MODEL_WRAPPERS, frozenset()),
    'stores': (r.TASK_UTILS, frozenset()),
    'extractors': (r.EXTRACTORS, frozenset({'folder'})),
}
#: Registry for the value of a key, wherever it stands.
_BY_KEY = {
    'optimizer': r.OPTIMIZERS,
    'dataset': r.DATASETS,
    'sampler': r.DATA_SAMPLERS,
    'batch_sampler': r.DATA_SAMPLERS,
    'collate_fn': r.FUNCTIONS,
    'pipeline': r.TRANSFORMS,
    'vis_backends': r.VISBACKENDS,
}
#: Keys whose values are handed on to other libraries.
_FOREIGN = {'architecture', 'init_kwargs', 'dist_cfg'}
#: Where classes hand on their ``**kwargs``, other than to their base.
_HANDED_ON = {CheckpointHook: Runner.save_checkpoint}
_REGISTRIES = [value for value in vars(r).values() if isinstance(value, Registry)]


class ConfigKeyError(ValueError):
    """A key or a type of a config that nothing takes."""


def check_config(cfg: Config) -> None:
    """Check the keys and types of a whole config; nothing is built.

    Args:
        cfg: The config, with its external modules imported. Sections that it lacks are not missed.

    Raises:
        ConfigKeyError: If a key or a type means nothing. The message names the dotted path, and the nearest name, of
            every such key.
    """
    from mmvmr.utils.setup import register_all_modules

    register_all_modules(init_scope=False)
    problems = list(_problems(cfg))
    if problems:
        more = f' (and {len(problems) - 5} more)' if len(problems) > 5 else ''
        raise ConfigKeyError('; '.join(problems[:5]) + more)


def known_keys() -> set[str]:
    """Names that a config may have at the top level."""
    return set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | EXTRA_KEYS


def _problems(cfg: Config) -> Iterator[str]:
    for key in cfg:
        if key not in known_keys():
            near = closest(key, known_keys())
            yield f'{key}: nothing uses this top-level key{near} (names of helpers start with _)'
    for key, (registry, extra) in _SECTIONS.items():
        value = cfg.get(key)
        if isinstance(value, Mapping) and key in _IMPLIED_LOOPS and 'type' not in value:
            value = {'type': _IMPLIED_LOOPS[key], **value}
        if isinstance(value, Mapping) and key == 'optim_wrapper':
            yield from _optim_wrapper(value)
            value = {'type': 'OptimWrapper', **value, 'clip_grad': None, 'paramwise_cfg': None}
        yield from _walk(value, key, registry, extra)
    for split in ('train', 'val', 'test'):
        if isinstance(loader := cfg.get(f'{split}_dataloader'), Mapping):
            yield from _unknown(loader, f'{split}_dataloader', _LOADER_KEYS)
            for key, value in loader.items():
                yield from _walk(value, f'{split}_dataloader.{key}', _BY_KEY.get(key, r.DATASETS))
    if isinstance(model := cfg.get('model'), Mapping) and isinstance(shared := model.get('shared'), Mapping):
        components = {**r.MODELS.module_dict, **r.TASK_UTILS.module_dict}.values()
        shareable = {name for kind in components for name in accepted_keys(kind) or ()}
        yield from _unknown(shared, 'model.shared', shareable, 'no argument of any component')
        # Only components of this model: one without annotations that somebody else has registered allows everything.
        kinds = filter(None, (_find(node['type'], r.MODELS, '')[0] for _, node in _typed(model)))
        yield from odd_values(shared, 'model.shared', kinds)
    env = cfg.get('env_cfg')
    if isinstance(env, Mapping):
        yield from _unknown(env, 'env_cfg', _ENV_KEYS)
        if isinstance(env.get('mp_cfg'), Mapping):
            yield from _unknown(env['mp_cfg'], 'env_cfg.mp_cfg', _ENV_KEYS['mp_cfg'] or ())
    if isinstance(random := cfg.get('randomness'), Mapping):
        yield from _unknown(random, 'randomness', inspect.signature(set_random_seed).parameters)


def _optim_wrapper(cfg: Mapping[str, Any]) -> Iterator[str]:
    clip = cfg.get('clip_grad')
    if isinstance(clip, Mapping):
        kind = clip.get('type', 'norm')
        functions: dict[str, Any] = {'norm': torch.nn.utils.clip_grad_norm_, 'value': torch.nn.utils.clip_grad_value_}
        function = functions.get(kind)
        if function is None:
            yield f"optim_wrapper.clip_grad.type is {kind!r}, expected 'norm' or 'value'"
        else:
            yield from _unknown(clip, 'optim_wrapper.clip_grad', {'type', *inspect.signature(function).parameters})
            bound = 'max_norm' if kind == 'norm' else 'clip_value'
            if not (isinstance(value := clip.get(bound), (int, float)) and value > 0):
                # 0 stops a training, and a negative one turns it round.
                yield f'optim_wrapper.clip_grad.{bound} is {value!r}, expected more than 0 (clip_grad=None for none)'
    constructor = cfg.get('constructor', 'DefaultOptimWrapperConstructor')
    constructor_class, message = _find(constructor, r.OPTIM_WRAPPER_CONSTRUCTORS, 'optim_wrapper.constructor')
    yield from message
    if constructor_class is DefaultOptimWrapperConstructor and isinstance(cfg.get('paramwise_cfg'), Mapping):
        yield from _unknown(cfg['paramwise_cfg'], 'optim_wrapper.paramwise_cfg', _PARAMWISE_KEYS)


def _walk(node: Any, path: str, registry: Registry, extra: frozenset[str] = frozenset()) -> Iterator[str]:
    """Problems of a value and of everything inside of it."""
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _walk(child, f'{path}.{index}', registry, extra)
    elif isinstance(node, Mapping):
        typed = 'type' in node
        if typed:
            component, message = _find(node['type'], registry, f'{path}.type')
            yield from message
            if component is not None and (accepted := accepted_keys(component)) is not None:
                yield from _unknown(
                    node, path, accepted | extra | {'type', '_scope_'}, f'no argument of {_name(component)}'
                )
                yield from odd_values({k: v for k, v in node.items() if k not in extra}, path, [component])
        for key, child in node.items():
            if key in _FOREIGN or (key == 'shared' and path == 'model'):
                continue
            if key == 'first_layer' and isinstance(child, Mapping):  # changes of `layer`
                child = merge_configs(node.get('layer') or {}, child)
            yield from _walk(child, f'{path}.{key}', _BY_KEY.get(key, registry), frozenset() if typed else extra)


def _find(kind: Any, registry: Registry, path: str) -> tuple[Any, list[str]]:
    """Look up the class of a type, or say why there is none."""
    if not isinstance(kind, str):
        return kind, []
    component = registry.get(kind)
    if component is None:
        component = next((other for each in _REGISTRIES if (other := each.get(kind)) is not None), None)
    if component is not None:
        return component, []
    names: set[str] = set()
    level: Registry | None = registry
    while level is not None:
        names |= set(level.module_dict)
        level = level.parent
    near = closest(kind, names) or closest(kind, {name for each in _REGISTRIES for name in each.module_dict})
    return None, [f'{path}={kind!r} is no registered {registry.name}{near}']


@functools.cache
def accepted_keys(kind: Any) -> frozenset[str] | None:
    """Names of the arguments of a class or a function; None where they cannot be known.

    Those of bases are included where ``**kwargs`` is handed on to them.
    """
    if not inspect.isclass(kind):
        parameters = inspect.signature(kind).parameters.values()
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        return None if takes_any else frozenset(p.name for p in parameters)
    names: set[str] = set()
    for base in kind.__mro__:
        if '__init__' not in vars(base):
            continue
        if base is object:
            return frozenset(names)
        parameters = inspect.signature(vars(base)['__init__']).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {'self'}
        free = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
        if not free:
            return frozenset(names)
        if base in _HANDED_ON:
            return frozenset(names | set(inspect.signature(_HANDED_ON[base]).parameters) - {'self'})
        try:
            source = inspect.getsource(vars(base)['__init__'])
        except (OSError, TypeError):
            return None
        if not re.search(rf'super\([^)]*\)\.__init__\((?:[^()]|\([^()]*\))*\*\*{free[0]}', source):
            return None
    return frozenset(names)


@contextmanager
def named_arguments(cfg: Config) -> Iterator[None]:
    """Say where a config lacks an argument; it shows when a class is built, as a parent may give it to its parts.

    Args:
        cfg: The config that the body builds from.

    Raises:
        ConfigKeyError: Instead of the TypeError of the constructor; the message names the dotted path.
    """
    try:
        yield
    except TypeError as error:
        match = re.search(r'([\w.]+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)', str(error))
        constructor, names = (match.group(1), re.findall(r"'(\w+)'", match.group(2))) if match else ('', [])
        lacking = ((path, node) for path, node in _typed(dict(cfg.items())) if not set(names) & set(node))
        paths = [path for path, node in lacking if _constructor(node) == constructor]
        if not paths:
            raise
        shared = f', or for all parts as model.shared.{names[0]}' if paths[0].startswith('model.') else ''
        raise ConfigKeyError(
            f'config: {" and ".join(paths)} needs {", ".join(f"`{name}`" for name in names)}, which has no default: '
            f'write it into the config, or give it as --cfg-options {paths[0]}.{names[0]}=...{shared}'
        ) from error


def _typed(node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dicts with a type, nested ones included, and their dotted paths."""
    return ((path, part) for path, part in nested_dicts(node) if 'type' in part)


def _constructor(node: Mapping[str, Any]) -> str | None:
    kind = _find(node['type'], r.MODELS, '')[0]
    return getattr(kind.__init__ if inspect.isclass(kind) else kind, '__qualname__', None)


def _unknown(node: Mapping[str, Any], path: str, accepted: Iterable[str], why: str = 'unknown key') -> Iterator[str]:
    accepted = set(accepted)
    for key in node:
        if key == '_delete_':
            yield f'{path}._delete_ replaces nothing: no base config has `{path}`; remove it'
        elif key not in accepted:
            yield f'{path}.{key}: {why}{closest(key, accepted)}'


def _name(kind: Any) -> str:
    return getattr(kind, '__name__', str(kind))
