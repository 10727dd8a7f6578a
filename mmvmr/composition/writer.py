"""Writing a config as its difference to another one."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.composition.component import CompositionError
from mmvmr.utils.config import find_config, separate_features
from mmvmr.utils.io import atomic_write
from mmvmr.utils.paths import base_address

WIDTH = 120
INDENT = 4
#: Dicts whose text is shorter are written out: a reference would not be easier to read.
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
    """Write a config file that inherits another one and states only the difference.

    The file is read back before it takes its place: it exists afterwards only if it reads as ``cfg``.

    Args:
        cfg: The config, e.g. of :func:`mmvmr.composition.compose`.
        base_path: The config to inherit: a file, or the name of a shipped one.
        out_path: The file to write; the path of the base is written relative to its folder.
        comment: First lines of the file, without the ``#``.

    Returns:
        The text of the file.

    Raises:
        CompositionError: If no config file can express the difference.
    """
    base, out = find_config(base_path), Path(out_path)
    if base.resolve() == out.resolve():
        raise CompositionError(f'{out} is the base config itself: write to another file')
    text = render_config(cfg, base, out.parent, comment)
    with atomic_write(out) as temporary:
        temporary.write_text(text, encoding='utf-8')
        try:
            reread = Config.fromfile(temporary, import_custom_modules=False).to_dict()
        except Exception as error:  # whatever the file does when it is run
            raise CompositionError(f'{out} would not be a config: {type(error).__name__}: {error}') from error
        if not same(reread, cfg.to_dict()):
            raise CompositionError(
                f'{out} cannot express the config as a difference to {base}: {first_difference(reread, cfg)}'
            )
    return text


def render_config(cfg: Config, base_path: str | Path, folder: str | Path | None, comment: str = '') -> str:
    """The text of a config file that inherits another one.

    Args:
        cfg: The config.
        base_path: The config to inherit.
        folder: Folder of the file; None for a text that may go into any folder.
        comment: First lines of the file, without the ``#``.

    Returns:
        The text.

    Raises:
        CompositionError: If the config lacks a top-level key of its base, which no config file can express.
    """
    base, new = _written(Config.fromfile(base_path, import_custom_modules=False)), _written(cfg)
    if gone := sorted(set(base) - set(new)):
        raise CompositionError(f'a config that inherits {base_path} cannot remove its keys {gone}')
    lines = [f'# {line}'.rstrip() for line in comment.splitlines()]
    lines.append(f'_base_ = [{base_address(base_path, folder)!r}]')
    changes = difference(base, new, ())
    lines += [f'{key} = {render(value, 0, len(key) + 3)}' for key, value in changes.items()]
    return '\n'.join(lines) + '\n'


def _written(cfg: Config) -> dict[str, Any]:
    """A config as files say it: data sets and projector receive the features later."""
    cfg = Config(cfg.to_dict())
    separate_features(cfg)
    return cfg.to_dict()


def difference(base: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The smallest dict that becomes the new config when mmengine merges it into the base.

    Entries that are equal in both are left out. A dict that cannot be reached by merging replaces the old one
    (``_delete_``), and names the parts of the old one that it keeps::

        base     encoder=dict(type='A', num_layers=2)
        new      encoder=dict(type='Wrapper', encoder=dict(type='A', num_layers=2))
        result   encoder=dict(_delete_=True, type='Wrapper', encoder=_base_.encoder)

    Args:
        base: A dict of the base config.
        new: The dict that should result; it has all keys of the base.
        path: Keys that lead to both.

    Returns:
        Nested dicts with :class:`Reference` and :class:`Spread` where they keep a part of the base.
    """
    changes: dict[str, Any] = {}
    for key, value in new.items():
        key_path = (*path, key)
        if key in base and same(base[key], value):
            continue
        if key not in base or not isinstance(value, Mapping):
            changes[key] = value
        elif can_merge(base[key], value):
            changes[key] = difference(base[key], value, key_path)
        else:
            old_parts = referable_parts(base[key], key_path) if isinstance(base[key], Mapping) else []
            entries = {name: with_references(entry, old_parts, (*key_path, name)) for name, entry in value.items()}
            changes[key] = {'_delete_': True, **entries}
    return changes


def can_merge(base: Any, new: Mapping[str, Any]) -> bool:
    """True if merging can turn a value of the base into a new dict.

    It can add and change entries. It keeps the order, in which augmentations run, and a new ``type`` would get the
    arguments of the old one.
    """
    return isinstance(base, Mapping) and base.get('type') == new.get('type') and list(new)[: len(base)] == list(base)


def referable_parts(node: Mapping[str, Any], path: tuple[str, ...]) -> Parts:
    """A dict and the dicts inside it that are longer than a reference to them, by their paths, outermost first."""
    parts = [(path, node)] if len(repr(node)) > SHORT else []
    for key, value in node.items():
        if isinstance(value, Mapping):
            parts += referable_parts(value, (*path, key))
    return sorted(parts, key=lambda part: len(part[0]))


def with_references(value: Any, old_parts: Parts, path: tuple[str, ...]) -> Any:
    """A new value, in which dicts of the base are references.

    Args:
        value: Part of a dict that replaces one of the base.
        old_parts: Dicts inside the one that is replaced, outermost first.
        path: Keys that lead to the value. Of several equal dicts of the base the one at this path is preferred, then
            the outermost one.

    Returns:
        A :class:`Reference` for a dict that the base has too; a :class:`Spread` for one that shares enough entries with
        a dict of the base; the value otherwise.
    """
    if not isinstance(value, Mapping):
        return value
    equal_paths = [old_path for old_path, part in old_parts if same(part, value)]
    if equal_paths:
        return Reference(path if path in equal_paths else equal_paths[0])
    shared_path, shared_keys = most_similar_part(value, old_parts)
    changed = {
        key: with_references(entry, old_parts, (*path, key)) for key, entry in value.items() if key not in shared_keys
    }
    return Spread(shared_path, changed) if shared_keys else changed


def most_similar_part(value: Mapping[str, Any], old_parts: Parts) -> tuple[tuple[str, ...], list[str]]:
    """The dict of the base that can become a new dict by merging and shares most entries with it.

    Args:
        value: The new dict.
        old_parts: Dicts of the base by their paths.

    Returns:
        Path of the part and the keys of the shared entries; no keys where these are too short to be worth a reference.
    """
    best: tuple[tuple[str, ...], list[str]] = ((), [])
    for path, part in old_parts:
        if can_merge(part, value):
            shared = [key for key in part if same(part[key], value[key])]
            is_long = len(repr([part[key] for key in shared])) > SHORT
            if is_long and callable_keys(value) and len(shared) > len(best[1]):
                best = (path, shared)
    return best


def same(one: Any, other: Any) -> bool:
    """True if two values are equal, with the same types and dicts in the same order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def first_difference(actual: Any, wanted: Any, path: str = '') -> str:
    """Path of the first difference between two configs, and both values."""
    if isinstance(actual, Mapping) and isinstance(wanted, (Mapping, Config)):
        if list(actual) != list(wanted):
            return f'{path or "top level"} has the keys {list(actual)} instead of {list(wanted)}'
        for key in actual:
            if not same(actual[key], wanted[key]):
                return first_difference(actual[key], wanted[key], f'{path}.{key}'.lstrip('.'))
    return f'{path} is {actual!r} instead of {wanted!r}'


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
    # The commas that the formatter of the project writes: none after a single entry.
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
    """True if all keys of a dict can be keyword arguments of ``dict``."""
    return all(isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key) for key in value)


def keys(value: Mapping[Any, Any]) -> list[str]:
    """The text before every value of a dict, ``key=`` or ``'key':`` and a blank."""
    return [f'{key}=' if callable_keys(value) else f'{key!r}: ' for key in value]
