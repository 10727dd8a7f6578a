"""Configs of nested modules that share dimensions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmvmr.registry import MODELS, TASK_UTILS


def fill_shared(cfg: Any, shared: Mapping[str, Any]) -> Any:
    """Give every nested module the shared arguments that it accepts and its config does not set.

    The width of the model, the number of heads and the dropout occur in a dozen places of a detector. A config
    names them once, in ``MomentDetector.shared``, and a component asks for them by argument name.

    Args:
        cfg: A config dict with ``type``, a container of such dicts, or any leaf.
        shared: Argument name to value.

    Returns:
        A copy of ``cfg`` with the arguments filled in.
    """
    if isinstance(cfg, Mapping):
        filled = {key: fill_shared(value, shared) for key, value in cfg.items()}
        accepted = constructor_arguments(filled.get('type'))
        return {**{key: value for key, value in shared.items() if key in accepted}, **filled}
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(fill_shared(value, shared) for value in cfg)
    return cfg


def constructor_arguments(kind: Any) -> set[str]:
    """Names of the constructor arguments of a class, following ``**kwargs`` to its bases.

    Args:
        kind: A class, or the name of a registered one.

    Returns:
        The names; none for what is not a known class.
    """
    if isinstance(kind, str):
        kind = MODELS.get(kind) or TASK_UTILS.get(kind)
    if not inspect.isclass(kind):
        return set()
    names: set[str] = set()
    for base in kind.__mro__:
        if '__init__' not in vars(base) or base is object:
            continue
        parameters = inspect.signature(base.__init__).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {'self'}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names


def build_named(cfg: Mapping[str, Any] | None, registry: Any = MODELS) -> dict[str, Any]:
    """Build a dict of named components; an entry that is None was switched off by a child config.

    Args:
        cfg: Name to config.
        registry: Where the types are looked up.

    Returns:
        Name to component, in order.
    """
    return {name: registry.build(dict(value)) for name, value in (cfg or {}).items() if value is not None}
