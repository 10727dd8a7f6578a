"""Check of the values of a config against the annotations of the arguments that they are given to."""

from __future__ import annotations

import functools
import inspect
import math
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

#: Annotation to the types of values that it allows, and how a message calls them.
_TYPES: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), 'a whole number'),
    float: ((int, float), 'a number'),
    bool: ((bool, int), 'True or False'),
    str: ((str,), 'text'),
    type(None): ((type(None),), 'None'),
    torch.Tensor: ((), ''),  # no value of a config
    **dict.fromkeys((dict, Mapping), ((Mapping,), 'a dict')),
    **dict.fromkeys((list, tuple, Sequence), ((list, tuple), 'a list')),
}
_COUNTS = (
    r'(?!audio_|endpoint_)(.*_)?dims|num_(queries|heads|states|levels|clusters|clips|parts|patches|frames|points|groups)'
    r'|num_(prototypes|prompts|selected|classes|iters|convs|videos)|max_(predictions|windows|queries|clips|epochs|videos)'
    r'|queries_per_video|candidates|bins|rank|pre_topk|top|top_k|times|centers|kernel_size|steps?|(input_)?stride|length'
    r'|longest|hidden_ratio|max_rating|count|limit|batch_size|(text_)?channels|layers|tokens|smooth|((text|video)_)?dim'
    r'|accumulative_counts'
)
#: Names of arguments, their lowest and highest number, and how a message calls the range. Beyond it a loss becomes NaN
#: or is turned around, or a tensor is empty; what is a matter of one component, its constructor says.
_RANGES = (
    (_COUNTS, 1, math.inf, 'at least 1'),
    (r'(.*_)?temperature|sigma|clip_len|max_duration|piece|shortest|eps|max_scale|best', 1e-9, math.inf, 'more than 0'),
    (r'center_radius|regression_range|round_to|initial|scale', 1e-9, math.inf, 'more than 0'),
    (r'(audio|endpoint)_dims|window|max_length|pad_to|decimals|min_(score|width)', 0, math.inf, 'at least 0'),
    (r'(duration|length)_tolerance|beta|gamma|seed|offset|inside|outside', 0, math.inf, 'at least 0'),
    (
        r'(.*_)?(weight|penalty|iou)|lr|weight_decay|margin|bias_std|min_window|num_(layers|dummies)|(begin|start|late)_epoch'
        r'|power|extra|noise|shrinkage|late_factor|(positive|negative)_scale',
        0,
        sys.float_info.max,
        'a finite number of at least 0',
    ),
    (r'(.*_)?dropout|share|momentum|min_overlap|smoothing|threshold|min_ratio', 0, 1, 'a number from 0 to 1'),
    (r'max_similarity', -1, 1, 'a number from -1 to 1'),
)
_ANY = ('', -math.inf, math.inf, 'a number')
#: Packages whose arguments have these names; a component of somebody else may mean something different by them.
_PACKAGES = ('mmvmr', 'mmengine', 'torch')
_VALUES = (bool, int, float, str, list, tuple, Mapping, type(None))


def odd_values(node: Mapping[str, Any], path: str, kinds: Iterable[Any]) -> Iterator[str]:
    """Find values that no argument of their name takes.

    Args:
        node: Arguments of a constructor, as in a config.
        path: Dotted path of the node.
        kinds: The class or function that is called; or several, of which one may take a value.

    Yields:
        What is wrong, one line per value.
    """
    kinds = list(kinds)
    ranges = _RANGES if all(kind.__module__.partition('.')[0] in _PACKAGES for kind in kinds) else ()
    allowed: dict[str, dict[Any, None]] = {}
    unknown: set[str] = set()
    for kind in kinds:
        for name, parts in annotations_of(kind).items():
            allowed.setdefault(name, {}).update(dict.fromkeys(parts))
            unknown |= set() if parts else {name}
    for key, value in node.items():
        hints = allowed.get(key)
        if not hints or key in unknown or not isinstance(value, _VALUES):
            continue
        accepted = [kind for hint in hints for kind in _TYPES[hint][0]]
        if (isinstance(value, bool) and bool not in accepted) or not isinstance(value, tuple(accepted)):
            hint = _spelling(value) if isinstance(value, str) and not {int, float}.isdisjoint(hints) else ''
            names = dict.fromkeys(name for hint in hints if (name := _TYPES[hint][1]))
            yield f'{path}.{key} is {value!r}, expected {" or ".join(names)}{hint}'
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            _, lowest, highest, words = next((row for row in ranges if re.fullmatch(row[0], key)), _ANY)
            if not lowest <= value <= highest:  # NaN neither
                yield f'{path}.{key} is {value}, expected {words}'


@functools.cache
def annotations_of(kind: Any) -> Mapping[str, tuple[Any, ...]]:
    """Annotations of the arguments of a class or a function.

    Args:
        kind: The class or the function; arguments that a class hands on to its bases count.

    Returns:
        Name to the parts of its annotation, keys of the table above; none of them where one is anything else.
    """
    annotations: dict[str, tuple[Any, ...]] = {}
    bases = kind.__mro__[:-1] if inspect.isclass(kind) else ()
    for function in [vars(base)['__init__'] for base in bases if '__init__' in vars(base)] if bases else [kind]:
        try:
            hints = typing.get_type_hints(function)
            parameters = inspect.signature(function).parameters
        except (NameError, TypeError, ValueError):  # names that are imported for type checkers only
            return {}
        for name, parameter in parameters.items():
            parts = _parts(hints.get(name, Any))
            if parts and parameter.default is None:  # `x: int = None` of older code
                parts += (type(None),)
            annotations.setdefault(name, parts)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return annotations


def _parts(hint: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        parts = [_parts(part) for part in typing.get_args(hint)]
        return tuple(kind for part in parts for kind in part) if all(parts) else ()
    kind = origin or hint
    return (kind,) if kind in _TYPES else ()


def _spelling(value: Any) -> str:
    """Hint at numbers that YAML reads as text, as 1e-3."""
    try:
        number = float(value)
        return f'; write {int(number) if number.is_integer() else number}'
    except (TypeError, ValueError, OverflowError):
        return ''
