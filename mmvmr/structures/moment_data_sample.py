"""The data sample that travels with every video-sentence pair."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor


class MomentDataSample(BaseDataElement):
    """Ground truth and predictions of one video-sentence pair.

    Meta information (``set_metainfo``):

    - ``vid``, ``qid``, ``query``: identifiers and the sentence.
    - ``duration``: length of the video in seconds.
    - ``clip_len``: length of a clip in seconds; ``num_clips``: number of clips of this sample; ``declared_clip_len``:
      length that the feature specification declares, which annotations and prediction files count by.
    - ``relevant_windows``: ground truth in seconds, a list of ``[start, end]``.
    - ``view``: ``main``, or the name of the augmentation that made this sample.
    - ``annotation``: the annotation row as read (validation and test).

    Data fields:

    - ``gt_instances.spans`` (N, 2): normalised (center, width).
    - ``gt_saliency`` (Lv,): highlight rating of every clip.
    - ``gt_clips`` (Lv,) bool: clips inside a moment.
    - ``gt_pairs`` (2, P) long: clip indices; the clip of row 0 should score above the clip of row 1, -1 = none.
    - ``pred_instances.spans`` (N, 2) normalised, ``.windows`` (N, 2) in seconds, ``.scores`` (N,), best first.
    - ``pred_saliency`` (Lv,).
    - ``pred_existence``, ``pred_accepted``: probability that there is a moment, and whether the model takes it for
      enough, from detectors with an existence head.

    Examples:
        >>> import torch
        >>> from mmengine.structures import InstanceData
        >>> from mmvmr.structures import MomentDataSample
        >>> sample = MomentDataSample(metainfo=dict(vid='v1', qid=3, duration=30.0, clip_len=2.0, num_clips=15))
        >>> sample.gt_instances = InstanceData(spans=torch.tensor([[0.5, 0.2]]))
        >>> sample.gt_instances.spans * sample.duration
        tensor([[15.,  6.]])
    """

    @property
    def gt_instances(self) -> InstanceData:
        """Ground-truth moments."""
        return self._gt_instances

    @gt_instances.setter
    def gt_instances(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_instances', dtype=InstanceData)

    @gt_instances.deleter
    def gt_instances(self) -> None:
        del self._gt_instances

    @property
    def pred_instances(self) -> InstanceData:
        """Predicted moments, best first."""
        return self._pred_instances

    @pred_instances.setter
    def pred_instances(self, value: InstanceData) -> None:
        self.set_field(value, '_pred_instances', dtype=InstanceData)

    @pred_instances.deleter
    def pred_instances(self) -> None:
        del self._pred_instances

    @property
    def gt_saliency(self) -> Tensor:
        """Highlight rating of every clip (Lv,)."""
        return self._gt_saliency

    @gt_saliency.setter
    def gt_saliency(self, value: Tensor) -> None:
        self.set_field(value, '_gt_saliency', dtype=Tensor)

    @property
    def pred_saliency(self) -> Tensor:
        """Predicted highlight score of every clip (Lv,)."""
        return self._pred_saliency

    @pred_saliency.setter
    def pred_saliency(self, value: Tensor) -> None:
        self.set_field(value, '_pred_saliency', dtype=Tensor)


def source_video(vid: str) -> str:
    """Identifier of the video that a sample was cut from.

    QVHighlights names its clips ``<video>_<start>_<end>``: two clips of one video share content.

    Args:
        vid: Identifier of a sample's video.

    Returns:
        The identifier without the seconds.
    """
    head, *tail = str(vid).rsplit('_', 2)
    return head if len(tail) == 2 and all(part.replace('.', '', 1).isdigit() for part in tail) else str(vid)
