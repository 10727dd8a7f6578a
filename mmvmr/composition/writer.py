"""Writing a config as its difference to another one."""

from __future__ import annotations

import keyword
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import CompositionError
from mmvmr.utils.config import separate_features
from mmvmr.utils.io import atomic_write

WIDTH = 120
INDENT = 4
#: Shorter dicts are written out: a reference would not be easier to read.
SHORT = 40
Parts = list[tuple[tuple[str, ...], Mapping[str, Any]]]


class Reference:
    """An unchanged part of the base config.

    Args:
        path: Keys that lead to it.
    """

    def __init__(self, path: tuple[str, ...]):
        self.path = path

    def __repr__(self) -> str:
        # A key such as ``items`` would find the method of the dict.
        parts = [f'.{k}' if k.isidentifier() and not hasattr(dict, k) else f'[{k!r}]' for k in self.path]
        return '_base_' + ''.join(parts)


class Spread(dict):
    """A part of the base config with some entries changed or added.

    Args:
        path: Keys that lead to it.
        changes: What is different.
    """

    def __init__(self, path: tuple[str, ...], changes: Mapping[str, Any]):
        super().__init__(changes)
        self.part = Reference(path)


def write_config(cfg: Config, base_path: str | Path, out_path: str | Path, comment: str = '') -> str:
    """Write a config file that inherits another one and names the difference only.

    The file is read back before it takes its place: it exists afterwards only if it means ``cfg``.

    Args:
        cfg: The config, e.g. of :func:`mmvmr.composition.compose`.
        base_path: The config to inherit.
        out_path: The file to write; the path of the base is written relative to its folder.
        comment: First lines of the file, without the ``#``.

    Returns:
        The text of the file.

    Raises:
        CompositionError: If the difference cannot be said in a config file.
    """
    base, out = Path(base_path), Path(out_path)
    if base.resolve() == out.resolve():
        raise CompositionError(f'{out} is the base config itself: write to another file')
    text = render_config(cfg, base, out.parent, comment)
    with atomic_write(out) as temporary:
        temporary.write_text(text, encoding='utf-8')
        try:
            found = Config.fromfile(temporary, import_custom_modules=False).to_dict()
        except Exception as error:  # whatever the file does when it is run
            raise CompositionError(f'{out} would be no config: {type(error).__name__}: {error}') from error
        if not same(found, cfg.to_dict()):
            raise CompositionError(
                f'{out} cannot say the config as a difference to {base}: {first_difference(found, cfg)}'
            )
    return text


def render_config(cfg: Config, base_path: str | Path, folder: str | Path, comment: str = '') -> str:
    """The text of a config file that inherits another one.

    Args:
        cfg: The config.
        base_path: The config to inherit.
        folder: Where the file will lie.
        comment: First lines of the file, without the ``#``.

    Returns:
        The text.

    Raises:
        CompositionError: If the config lacks a top-level key of its base, which no config file can say.
    """
    base, new = _written(Config.fromfile(base_path, import_custom_modules=False)), _written(cfg)
    if gone := sorted(set(base) - set(new)):
        raise CompositionError(f'a config that inherits {base_path} cannot remove its keys {gone}')
    lines = [f'# {line}'.rstrip() for line in comment.splitlines()]
    relative = Path(os.path.relpath(base_path, folder)).as_posix()
    lines.append(f'_base_ = [{relative if relative.startswith(".") else f"./{relative}"!r}]')
    changes = difference(base, new, ())
    lines += [f'{key} = {render(value, 0, len(key) + 3)}' for key, value in changes.items()]
    return '\n'.join(lines) + '\n'


def _written(cfg: Config) -> dict[str, Any]:
    """A config as files say it: data sets and projector receive the features later."""
    cfg = Config(cfg.to_dict())
    separate_features(cfg)
    return cfg.to_dict()


def difference(base: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """What a child config has to say.

    Args:
        base: A dict of the base config.
        new: What should become of it; has all its keys.
        path: Where it stands.

    Returns:
        Nested dicts that merge into ``base``.
    """
    changes: dict[str, Any] = {}
    for key, value in new.items():
        here = (*path, key)
        if key in base and same(base[key], value):
            continue
        if not isinstance(value, Mapping) or key not in base:
            changes[key] = value
        elif replaces(base[key], value):
            parts = subtrees(base[key], here) if isinstance(base[key], Mapping) else []
            changes[key] = {'_delete_': True, **{k: referring(v, parts, (*here, k)) for k, v in value.items()}}
        else:
            changes[key] = difference(base[key], value, here)
    return changes


def replaces(base: Any, new: Mapping[str, Any]) -> bool:
    """Whether a dict takes the place of another value instead of merging into it.

    Merging changes neither the type nor the order of what is there: augmentations run in their order.
    """
    return not isinstance(base, Mapping) or base.get('type') != new.get('type') or list(new)[: len(base)] != list(base)


def subtrees(node: Mapping[str, Any], path: tuple[str, ...]) -> Parts:
    """A dict and all dicts inside of it that are worth a reference, with their paths, outer ones first."""
    found = [(path, node)] if len(repr(node)) > SHORT else []
    for key, value in node.items():
        if isinstance(value, Mapping):
            found += subtrees(value, (*path, key))
    return sorted(found, key=lambda entry: len(entry[0]))


def referring(value: Any, parts: Parts, here: tuple[str, ...]) -> Any:
    """A value in which every dict that equals a part of what it replaces is a reference to that part.

    Of several equal parts the one at the place itself is named, else the outermost. A dict of which enough is equal
    becomes the part with changes.
    """
    if not isinstance(value, Mapping):
        return value
    equal = [path for path, part in parts if same(part, value)]
    if equal:
        return Reference(here if here in equal else equal[0])
    path, kept = similar(value, parts)
    changed = {key: referring(part, parts, (*here, key)) for key, part in value.items() if key not in kept}
    return Spread(path, changed) if kept else changed


def similar(value: Mapping[str, Any], parts: Parts) -> tuple[tuple[str, ...], list[str]]:
    """The part that merges with changes into a dict and has most in common with it.

    Args:
        value: The dict.
        parts: What it may be made of.

    Returns:
        Path of the part and the keys that stay as they are; no keys where too little is in common.
    """
    best: tuple[tuple[str, ...], list[str]] = ((), [])
    for path, part in parts:
        if not replaces(part, value):
            kept = [key for key in part if same(part[key], value[key])]
            worth = len(repr([part[key] for key in kept])) > SHORT and callable_keys(value)
            if worth and len(kept) > len(best[1]):
                best = (path, kept)
    return best


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, with the same types and dicts in the same order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def first_difference(found: Any, wanted: Any, path: str = '') -> str:
    """Where two configs differ first."""
    if isinstance(found, Mapping) and isinstance(wanted, (Mapping, Config)):
        if list(found) != list(wanted):
            return f'{path or "top level"} has the keys {list(found)} instead of {list(wanted)}'
        for key in found:
            if not same(found[key], wanted[key]):
                return first_difference(found[key], wanted[key], f'{path}.{key}'.lstrip('.'))
    return f'{path} is {found!r} instead of {wanted!r}'


def render(value: Any, depth: int, used: int) -> str:
    """Python code of a value, broken where it is too long.

    Args:
        value: Nested containers with plain values and references.
        depth: Levels of indentation of the line that it stands in.
        used: Columns of that line that are taken in front of it, without the indentation.

    Returns:
        The code; lines after the first are indented.
    """
    flat = render_flat(value)
    if (
        depth * INDENT + used + len(flat) + (depth > 0) <= WIDTH
        or not isinstance(value, (Mapping, list, tuple))
        or not value
    ):
        return flat
    pad, end = ' ' * INDENT * (depth + 1), ' ' * INDENT * depth
    if isinstance(value, Mapping):
        heads, (start, stop) = keys(value), ('dict(', ')') if callable_keys(value) else ('{', '}')
        rows = [repr(value.part)] if isinstance(value, Spread) else []
        rows += [f'{head}{render(part, depth + 1, len(head))}' for head, part in zip(heads, value.values())]
    else:
        start, stop = '[]' if isinstance(value, list) else '()'
        rows = [render(part, depth + 1, 0) for part in value]
    # The commas that the formatter of the project writes: none behind a single entry.
    comma = ',' if len(rows) > 1 or isinstance(value, tuple) else ''
    body = ',\n'.join(f'{pad}{row}' for row in rows)
    return f'{start}\n{body}{comma}\n{end}{stop}'


def render_flat(value: Any) -> str:
    """Python code of a value on one line."""
    if isinstance(value, Mapping):
        start, stop = ('dict(', ')') if callable_keys(value) else ('{', '}')
        first = [repr(value.part)] if isinstance(value, Spread) else []
        return start + ', '.join([*first, *(h + render_flat(v) for h, v in zip(keys(value), value.values()))]) + stop
    if isinstance(value, list):
        return f'[{", ".join(map(render_flat, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(render_flat, value))}{"," if len(value) == 1 else ""})'
    if isinstance(value, float) and not math.isfinite(value):
        return f'float({str(value)!r})'
    return repr(value)


def callable_keys(value: Mapping[Any, Any]) -> bool:
    """Whether ``dict(key=...)`` can write a dict."""
    return all(isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key) for key in value)


def keys(value: Mapping[Any, Any]) -> list[str]:
    """What stands in front of every value of a dict."""
    return [f'{key}=' if callable_keys(value) else f'{key!r}: ' for key in value]
