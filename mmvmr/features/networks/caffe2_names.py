"""Names of the Caffe2 blobs in which PySlowFast's model zoo publishes SlowFast, and what PySlowFast calls them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.features.networks.weights import to_tensor

# What a blob is: a kernel or a bias, or a part of a batch norm.
_PARTS = {'w': 'weight', 'b': 'bias'}
_NORM_PARTS = {'s': 'weight', 'b': 'bias', 'rm': 'running_mean', 'riv': 'running_var'}
# State of the training that is stored with the weights; what is not named like a weight is none either.
_NOT_WEIGHTS = re.compile(r'momentum|^lr$|model_iter')
# The leading t marks the fast pathway (or a lateral connection, which comes from it).
_BLOB = re.compile(r'(?P<fast>t_)?(?P<layer>\w+?)_(?:bn_(?P<norm>s|b|rm|riv)|(?P<part>w|b))$')
_RESIDUAL = re.compile(r'res(?P<stage>[2-5])_(?P<block>\d+)_branch(?P<branch>1|2(?P<conv>[abc]))$')
_LATERAL = re.compile(r'(?:pool(?P<first>1)|res(?P<stage>[2-4])_\d+_branch2c_bn)_subsample$')


def pyslowfast_name(blob: str) -> str | None:
    """PySlowFast's name of a blob; None if the blob is not a weight of SlowFast.

    ``t_res4_5_branch2c_bn_riv`` is ``s4.pathway1_res5.branch2.c_bn.running_var``.
    """
    match = _BLOB.match(blob)
    if not match:
        return None
    layer, norm = match['layer'], match['norm'] is not None
    part = _NORM_PARTS[match['norm']] if norm else _PARTS[match['part']]
    pathway = 1 if match['fast'] else 0
    if layer == ('res_conv1' if norm else 'conv1'):
        return f's1.pathway{pathway}_stem.{"bn" if norm else "conv"}.{part}'
    if layer == 'pred' and not match['fast'] and not norm:
        return f'head.projection.{part}'
    if lateral := _LATERAL.match(layer):
        return f's{lateral["first"] or lateral["stage"]}_fuse.{"bn" if norm else "conv_f2s"}.{part}'
    if residual := _RESIDUAL.match(layer):
        conv = f'branch2.{residual["conv"]}' if residual['conv'] else 'branch1'
        stage, block = residual['stage'], residual['block']
        return f's{stage}.pathway{pathway}_res{block}.{conv}{"_bn" if norm else ""}.{part}'
    return None


def from_caffe2(content: Mapping[str, Any], source: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Rename the blobs of a Caffe2 checkpoint of SlowFast.

    Args:
        content: What ``read_numpy_pickle`` returns: a dict with the key ``blobs``.
        source: The file, for messages.

    Returns:
        The state dict with PySlowFast's names.

    Raises:
        ValueError: If there are no blobs, or one of them is no weight of SlowFast.
    """
    blobs = content.get('blobs')
    if not isinstance(blobs, Mapping):
        raise ValueError(f'{source}: expected the key `blobs` of Caffe2, found {sorted(map(str, content))[:4]}')
    state = {}
    for blob, array in blobs.items():
        if _NOT_WEIGHTS.search(blob) or not _BLOB.match(blob):
            continue
        name = pyslowfast_name(blob)
        if name is None:
            raise ValueError(
                f'{source}: the blob {blob!r} belongs to no part of SlowFast; expected names such as '
                "'t_res2_0_branch2a_w'. Is it another network of the model zoo?"
            )
        state[name] = to_tensor(array, blob, source)
    return state
