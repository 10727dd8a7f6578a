"""Batches as lists: padding is the preprocessor's work, which also knows the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.registry import FUNCTIONS as ROOT_FUNCTIONS

from mmvmr.registry import FUNCTIONS


# mmengine's Runner looks a collate function up in the root registry and ignores the default scope.
@ROOT_FUNCTIONS.register_module()
@FUNCTIONS.register_module()
def moment_collate(batch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put samples into a batch: first all main samples in order, then all views in order.

    Args:
        batch: Items of a data set: ``inputs``, ``data_samples`` and, where an augmentation added some, ``views``.

    Returns:
        ``inputs``: name to list of tensors (``video``: (Lv, D) each, ``text``: (Lt, D) each); ``data_samples``: the
        list of samples. An input that only some samples have (a negative sentence, say) has None for the others.
    """
    items = [*batch, *(view for item in batch for view in item.get('views', {}).values())]
    names = dict.fromkeys(name for item in items for name in item['inputs'])
    return {
        'inputs': {name: [item['inputs'].get(name) for item in items] for name in names},
        'data_samples': [item['data_samples'] for item in items],
    }
