"""Batches as lists, which the preprocessor pads; a loading process pads them itself and sends them in few pieces.

By default torch sends every tensor in a separate shared memory segment, with a file descriptor and a socket
connection each, and a sample has about six tensors, most of them tiny. Here an input of all samples is one padded
tensor, and what is left is pickled with its numbers.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import FUNCTIONS as ROOT_FUNCTIONS
from torch import Tensor
from torch.utils.data import get_worker_info

from mmvmr.datasets.stores.packed_store import Rows
from mmvmr.datasets.transforms.packing import PACKED_ROWS
from mmvmr.registry import FUNCTIONS
from mmvmr.structures.padding import PaddedList, pad_sequences

Item = Mapping[str, Any]


class _Pickled:
    """Contents of a batch that arrive in the training process as they were."""

    def __init__(self, value: Any) -> None:
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = copyreg.dispatch_table | {Tensor: lambda t: (torch.from_numpy, (t.numpy(force=True),))}
        pickler.dump(value)
        self.data = stream.getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self.data,)


class _Packed:
    """An input of a batch that arrives as references to a pack: the training process pads from the mapped file."""

    def __init__(self, rows: list[Rows]) -> None:
        self.rows = rows

    def __reduce__(self) -> tuple[Any, ...]:
        return _padded, (self.rows,)


def _padded(rows: list[Rows]) -> PaddedList:
    return pad_sequences([row.with_tef() for row in rows])


def _packed_rows(tensor: Tensor) -> Rows | None:
    """Origin of a tensor that :class:`PackMomentInputs` took from a pack, unless it was written into since."""
    rows, address = getattr(tensor, PACKED_ROWS, (None, None))
    return rows if tensor._version == 0 and tensor.data_ptr() == address else None


def _sent(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch of a loading process in a form that is sent fast; any other is returned as it is."""
    if get_worker_info() is None:
        return batch
    inputs: dict[str, Any] = {}
    for name, values in batch['inputs'].items():
        if not isinstance(values, list) or any(value is None for value in values):
            inputs[name] = _Pickled(values)
        else:
            rows = [packed for value in values if (packed := _packed_rows(value)) is not None]
            inputs[name] = _Packed(rows) if len(rows) == len(values) else pad_sequences(values, shared=True)
    return {'inputs': inputs, 'data_samples': _Pickled(batch['data_samples'])}


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
        list of samples. An input that only some samples have (an unmatched sentence, say) has None for the others.
    """
    return _sent(_collated(batch))


def _collated(batch: Sequence[Item | Sequence[Item]]) -> dict[str, Any]:
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
    collated = _collated(batch)
    inputs, samples = collated['inputs'], collated['data_samples']
    shared = [name for name in shared if name in inputs]
    first: list[int] = []
    index = []
    videos_of_name: dict[Any, list[int]] = {}
    for row, sample in enumerate(samples):
        same_name = videos_of_name.setdefault(sample.get('vid'), [])
        video = next((v for v in same_name if all(_same(inputs[n][first[v]], inputs[n][row]) for n in shared)), None)
        if video is None:
            video = len(first)
            same_name.append(video)
            first.append(row)
        index.append(video)
    for name in shared:
        inputs[name] = [inputs[name][row] for row in first]
    return _sent({'inputs': {**inputs, 'video_index': torch.tensor(index)}, 'data_samples': samples})


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and torch.equal(a, b))
