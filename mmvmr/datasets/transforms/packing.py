"""The last step: from a dict of arrays to tensors and a data sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData
from torch.utils.data import get_worker_info

from mmvmr.registry import TRANSFORMS
from mmvmr.structures import MomentDataSample

META = ('vid', 'clip_vid', 'qid', 'query', 'duration', 'clip_len', 'num_clips', 'relevant_windows')
META += ('view', 'annotation', 'cut_at', 'declared_clip_len')

INPUTS = {'video': 'video_feat', 'text': 'text_feat', 'neg_text': 'neg_text_feat', 'prior': 'prior'}


#: Attribute of a tensor in a loading process: the rows of a pack that it holds, and its address.
PACKED_ROWS = 'packed_rows'


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Convert an array to a tensor, of the same memory where that may be written into.

    Args:
        array: Any array; a read-only one is cached, and is copied.
    """
    return torch.from_numpy(array if array.flags.writeable else array.copy())


@TRANSFORMS.register_module()
class PackMomentInputs(BaseTransform):
    """Make ``inputs`` and ``data_samples`` of a sample.

    Args:
        inputs: Name of a model input to the key of the results that holds it; absent keys are left out, so a
            transform that adds an unmatched sentence needs no other packing.
        meta_keys: Keys of the results that become meta information where they are present.
    """

    def __init__(self, inputs: dict[str, str] | None = None, meta_keys: tuple[str, ...] = META) -> None:
        self.inputs = inputs or dict(INPUTS)
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack a sample.

        Returns:
            ``inputs``: tensors ``video`` (Lv, Dv), ``text`` (Lt, Dt); ``data_samples``: a ``MomentDataSample``.
        """
        results['num_clips'] = len(results['video_feat'])  # augmentations may change the length
        sample = MomentDataSample()
        for key in self.meta_keys:
            if key in results:  # not by set_metainfo, which copies the whole annotation; nothing writes into it
                sample.set_field(results[key], key, field_type='metainfo')
        if 'gt_spans' in results:
            sample.gt_instances = InstanceData(spans=results['gt_spans'])
        if 'gt_saliency' in results:
            sample.gt_saliency = as_tensor(results['gt_saliency'])
            sample.gt_clips = as_tensor(results['gt_clips'])
            sample.gt_pairs = as_tensor(results['gt_pairs'])
        inputs = {name: as_tensor(results[key]) for name, key in self.inputs.items() if key in results}
        _, unchanged, rows = results.get('packed', (None, None, None))
        if unchanged is not None and get_worker_info() is not None:  # elsewhere, nothing is sent
            for name, key in self.inputs.items():
                if results.get(key) is unchanged:
                    setattr(inputs[name], PACKED_ROWS, (rows, inputs[name].data_ptr()))
        return {'inputs': inputs, 'data_samples': sample}
