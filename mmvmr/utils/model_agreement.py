"""Comparison of the model of a config with the one that weights were trained in, beyond what shapes tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mmvmr.registry import MODELS
from mmvmr.utils.inference_meta import plain

#: Parts of a detector that only training uses, or that make answers of what the trained part predicts.
_ANSWERS = ('criterion', 'postprocessor', 'data_preprocessor', 'predictor', 'windows', 'max_queries')
#: Arguments of parts of a model that change nothing once it is trained.
_TRAINING = re.compile(
    r'(.*_)?dropout|drop_unit|noise|samplers?|word_positions|(text_)?penalty|init|initializer|pretrained'
)
#: Calibration of an existence head.
_CALIBRATION = ('temperature', 'threshold')
_ABSENT = object()


def other_model(checkpoint: Mapping[str, Any], cfg: Mapping[str, Any]) -> str | None:
    """Find out whether a config computes something else with weights than the model that they were trained in.

    Args:
        checkpoint: As loaded; one that does not say what its model is, or was converted, is not compared.
        cfg: The config.

    Returns:
        What differs; None where nothing does.
    """
    meta = checkpoint.get('meta')
    if not isinstance(meta, Mapping) or 'converted_from' in meta:
        return None
    entry = meta.get('inference')
    trained = (entry if isinstance(entry, Mapping) else meta).get('model')
    if not isinstance(trained, Mapping):
        return None
    differences = model_differences(trained, cfg['model'])
    if not differences:
        return None
    return (
        f'the weights were trained in another model than the config describes: {"; ".join(differences)}. They fit, but '
        'would compute something else: use the config of the training, which is next to the checkpoint, or set '
        'default_hooks.inference_spec.mismatch=warn to go on all the same'
    )


def model_differences(trained: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Differences of two configs of a detector that make it compute something else with the same weights.

    Args:
        trained: The model that the weights were trained in, as ``meta.inference`` of a checkpoint has it.
        given: The model of a config.

    Returns:
        A line for every config key, in words.
    """
    ours, theirs = (
        {key: value for key, value in plain(model).items() if key not in _ANSWERS} for model in (given, trained)
    )
    return [
        f'{key} is {_words(there)} in the checkpoint and {_words(here)} in the config'
        for key, there, here in _differences(theirs, ours, 'model')
    ]


def _differences(trained: Any, given: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(trained, Mapping) or not isinstance(given, Mapping):
        if trained != given:
            yield path, trained, given
        return
    if trained.get('type') != given.get('type'):
        yield f'{path}.type', trained.get('type'), given.get('type')
        return
    defaults = _defaults(given.get('type'))
    for key in dict.fromkeys((*trained, *given)):
        if _TRAINING.fullmatch(key) or (path == 'model.existence_head' and key in _CALIBRATION):
            continue
        there, here = (node.get(key, defaults.get(key, _ABSENT)) for node in (trained, given))
        yield from _differences(there, here, f'{path}.{key}')


def _defaults(name: Any) -> dict[str, Any]:
    """Defaults of the arguments of a registered module; none where nothing has this name."""
    kind = MODELS.get(name) if isinstance(name, str) else None
    if kind is None:
        return {}
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: plain(p.default) for p in parameters if p.default is not p.empty}


def _words(value: Any) -> str:
    if value is _ABSENT:
        return 'absent'
    if isinstance(value, Mapping):
        return f'a {value["type"]}' if 'type' in value else 'a dict'
    return repr(value)
