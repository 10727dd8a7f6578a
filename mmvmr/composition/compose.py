"""Adding components to a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import (
    AlreadyThereError,
    Component,
    CompositionError,
    component_options,
    find_component,
)
from mmvmr.composition.edits import is_kind
from mmvmr.registry import MODELS
from mmvmr.utils.choices import closest
from mmvmr.utils.config import read_config, resolve_features
from mmvmr.utils.config_check import check_config
from mmvmr.utils.config_values import odd_values
from mmvmr.utils.setup import register_all_modules


def compose(
    base: str | Path | Config,
    components: Sequence[str],
    options: Mapping[str, Any] | None = None,
    skip: Callable[[str], None] | None = None,
) -> Config:
    """Add components to a config.

    The order of the components does not matter: they are applied by their stage.

    Args:
        base: A config or the path of one; it is not changed.
        components: Names of components, e.g. ``['td.synthesizer', 'sa.noise']``.
        options: Their options, as ``{'sa.noise.num_groups': 2}`` or ``{'sa.noise': {'num_groups': 2}}``.
        skip: Gets a line about every component that the base has already and that is therefore left out; None raises
            :class:`AlreadyThereError` instead.

    Returns:
        A new config.

    Raises:
        CompositionError: If a component is unknown or given twice, if two exclude each other, if an option is unknown
            or has a value that makes no sense, if a component cannot be put onto this config, or if it contradicts the
            features.
    """
    register_all_modules(init_scope=False)
    cfg = base if isinstance(base, Config) else read_config(base)  # first: its custom_imports may bring components
    kinds = {name: find_component(name) for name in components}
    if len(kinds) < len(components):
        twice = sorted({name for name in components if components.count(name) > 1})
        raise CompositionError(f'given more than once: {", ".join(twice)}')
    check_exclusions(kinds)
    chosen = split_options(kinds, options or {})
    if problems := [line for name in kinds for line in odd_values(chosen[name], name, [kinds[name]])]:
        raise CompositionError('; '.join(problems))
    cfg = Config(cfg.to_dict())  # a copy, in which no two places share an object
    for name in sorted(kinds, key=lambda name: (kinds[name].stage, name)):
        try:
            check_detector(kinds[name], cfg)
            changed = Config(cfg.to_dict())
            kinds[name](**chosen[name]).apply(changed)
            cfg = changed
        except AlreadyThereError as error:
            if skip is None:
                raise AlreadyThereError(f'{name}: {error}') from None
            skip(f'{name} is left out: {error}')
        except CompositionError as error:
            raise type(error)(f'{name}: {error}') from None
        except (AttributeError, KeyError) as error:
            raise CompositionError(
                f'{name}: the config lacks what it changes ({" ".join(map(str, error.args))})'
            ) from error
        except (TypeError, ValueError) as error:
            raise CompositionError(f'{name}: options {chosen[name]}: {error}') from error
    try:
        resolve_features(cfg)
        check_config(cfg)
    except ValueError as error:
        raise CompositionError(str(error)) from None
    return cfg


def check_detector(kind: type[Component], cfg: Config) -> None:
    """Refuse a component of models that work otherwise.

    Args:
        kind: The component.
        cfg: The config.

    Raises:
        CompositionError: If the config has no model, or one of another kind than the component is made for.
    """
    model = cfg.get('model')
    if not model:
        raise CompositionError('the config has no `model`')
    if kind.detectors and not is_kind(model, tuple(MODELS.get(name) for name in kind.detectors)):
        if reason := next((why for name, why in kind.reasons.items() if is_kind(model, MODELS.get(name))), None):
            raise CompositionError(reason)
        expected = ' or '.join(kind.detectors)
        raise CompositionError(f'it fills slots of a {expected}, but the model is a {model.get("type")}')


def check_exclusions(kinds: Mapping[str, type[Component]]) -> None:
    """Refuse components that do not go together.

    Args:
        kinds: Name to class.

    Raises:
        CompositionError: If one excludes another; either may name the other.
    """
    for first, second in combinations(sorted(kinds), 2):
        reason = kinds[first].excludes.get(second) or kinds[second].excludes.get(first)
        if reason:
            raise CompositionError(f'{first} and {second} do not go together: {reason}')


def split_options(kinds: Mapping[str, type[Component]], options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort options by component.

    Args:
        kinds: Name to class of the chosen components.
        options: See :func:`compose`.

    Returns:
        Name of every component to its options.

    Raises:
        CompositionError: If an option belongs to no chosen component or is unknown.
    """
    chosen: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    for key, value in options.items():
        if key in kinds and isinstance(value, Mapping):
            chosen[key].update(value)
            continue
        name, _, option = key.rpartition('.')
        if name not in kinds:
            raise CompositionError(f'option `{key}` belongs to none of the components {", ".join(kinds) or "(none)"}')
        chosen[name][option] = value
    for name, given in chosen.items():
        accepted = component_options(kinds[name])
        for option in given:
            if option not in accepted:
                listed = ', '.join(f'{key}={value!r}' for key, value in accepted.items()) or 'none'
                raise CompositionError(
                    f'{name} has no option `{option}`{closest(option, accepted)} (options: {listed})'
                )
    return chosen
