"""The last step: from a dict of arrays to tensors and a data sample."""

from __future__ import annotations

from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from mmvmr.datasets.stores.transfer import as_tensor
from mmvmr.registry import TRANSFORMS
from mmvmr.structures import MomentDataSample

META = ('vid', 'qid', 'query', 'duration', 'clip_len', 'num_clips', 'relevant_windows', 'view', 'annotation', 'cut_at')

INPUTS = {'video': 'video_feat', 'text': 'text_feat', 'neg_text': 'neg_text_feat', 'prior': 'prior'}


@TRANSFORMS.register_module()
class PackMomentInputs(BaseTransform):
    """Make ``inputs`` and ``data_samples`` of a sample.

    Args:
        inputs: Name of a model input to the key of the results that holds it; absent keys are left out, so a
            transform that adds a negative sentence needs no other packing.
        meta_keys: Keys of the results that become meta information where they are present.
    """

    def __init__(self, inputs: dict[str, str] | None = None, meta_keys: tuple[str, ...] = META) -> None:
        self.inputs = inputs or dict(INPUTS)
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack a sample.

        Args:
            results: The sample.

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
        return {'inputs': inputs, 'data_samples': sample}
