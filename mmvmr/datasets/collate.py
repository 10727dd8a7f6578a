"""Batches as lists: padding is the preprocessor's work, which also knows the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import FUNCTIONS as ROOT_FUNCTIONS
from torch import Tensor

from mmvmr.datasets.stores.transfer import in_worker, light_transfer
from mmvmr.registry import FUNCTIONS

Item = Mapping[str, Any]


# mmengine's Runner looks a collate function up in the root registry and ignores the default scope.
@ROOT_FUNCTIONS.register_module()
@FUNCTIONS.register_module()
def moment_collate(batch: Sequence[Item | Sequence[Item]]) -> dict[str, Any]:
    """Put samples into a batch: first all main samples in order, then all views in order.

    Args:
        batch: Items of a data set: ``inputs``, ``data_samples`` and, where an augmentation added some, ``views``; or
            lists of items, as :class:`mmvmr.datasets.VideoSampler` has them made.

    Returns:
        ``inputs``: name to list of tensors (``video``: (Lv, D) each, ``text``: (Lt, D) each); ``data_samples``: the
        list of samples. An input that only some samples have (a negative sentence, say) has None for the others.
    """
    if in_worker():
        light_transfer()
    main = [item for entry in batch for item in ([entry] if isinstance(entry, Mapping) else entry)]
    items = [*main, *(view for item in main for view in item.get('views', {}).values())]
    names = dict.fromkeys(name for item in items for name in item['inputs'])
    return {
        'inputs': {name: [item['inputs'].get(name) for item in items] for name in names},
        'data_samples': [item['data_samples'] for item in items],
    }


@ROOT_FUNCTIONS.register_module()
@FUNCTIONS.register_module()
def video_collate(batch: Sequence[Item | Sequence[Item]], shared: Sequence[str] = ('video',)) -> dict[str, Any]:
    """Put samples into a batch in which every video occurs once, for models that encode it once for all sentences.

    Two samples share a video when it has the same name and the same features: an augmentation may have changed it for
    one of them.

    Args:
        batch: As in :func:`moment_collate`.
        shared: Inputs that belong to the video; all others belong to the sentence.

    Returns:
        As :func:`moment_collate`, with V videos for B samples, and ``inputs['video_index']`` (B,): the video of every
        sample. ``data_samples`` has B samples.
    """
    collated = moment_collate(batch)
    inputs, samples = collated['inputs'], collated['data_samples']
    shared = [name for name in shared if name in inputs]
    first: list[int] = []
    index = []
    known: dict[Any, list[int]] = {}
    for row, sample in enumerate(samples):
        alike = known.setdefault(sample.get('vid'), [])
        video = next((v for v in alike if all(_same(inputs[n][first[v]], inputs[n][row]) for n in shared)), None)
        if video is None:
            video = len(first)
            alike.append(video)
            first.append(row)
        index.append(video)
    for name in shared:
        inputs[name] = [inputs[name][row] for row in first]
    return {'inputs': {**inputs, 'video_index': torch.tensor(index)}, 'data_samples': samples}


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and torch.equal(a, b))
