"""Ground truth of a batch as padded tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmvmr.structures import MomentDataSample, MomentTargets, source_video


def build_targets(samples: Sequence[MomentDataSample], clip_mask: Tensor) -> MomentTargets:
    """Gather the ground truth of a batch on the device of the model.

    Args:
        samples: Labelled samples.
        clip_mask: Valid clips (B, Lv) on the device of the model.

    Returns:
        Padded targets.

    Raises:
        ValueError: If a sample has no ground truth.
    """
    unlabelled = [sample.get('qid') for sample in samples if 'gt_instances' not in sample]
    if unlabelled:
        raise ValueError(
            f'{len(unlabelled)} of {len(samples)} samples have no ground truth (first qid {unlabelled[0]!r}): '
            'a loss needs relevant_windows in the annotation file'
        )
    length, device = clip_mask.shape[1], clip_mask.device
    spans = [sample.gt_instances.spans.float() for sample in samples]
    counts = torch.tensor([len(s) for s in spans])
    most = max(int(counts.max()), 1)
    padded = torch.tensor([0.5, 1.0]).repeat(len(samples), most, 1)
    for row, span in zip(padded, spans):
        row[: len(span)] = span
    described = torch.tensor([bool(len(s)) or bool(sample.gt_clips.any()) for s, sample in zip(spans, samples)])
    ids: dict[str, int] = {}
    # Joins that ask for one clip share a sentence, so none of them is a negative of another.
    names = [str(sample.get('clip_vid') or source_video(sample.vid)) for sample in samples]
    index = torch.tensor([ids.setdefault(name, len(ids)) for name in names])
    return MomentTargets(
        spans=padded.to(device, non_blocking=True),
        span_mask=(torch.arange(most) < counts[:, None]).to(device, non_blocking=True),
        saliency=_pad([s.gt_saliency.float() for s in samples], length).to(device, non_blocking=True),
        clips=_pad([s.gt_clips for s in samples], length).to(device, non_blocking=True),
        pairs=_pairs(samples).to(device, non_blocking=True),
        clip_mask=clip_mask,
        video_index=index.to(device, non_blocking=True),
        views=[sample.get('view', 'main') for sample in samples],
        described=None if described.all() else described.to(device, non_blocking=True),
    )


def _pad(rows: list[Tensor], length: int) -> Tensor:
    padded = pad_sequence(rows, batch_first=True)
    return torch.nn.functional.pad(padded, (0, length - padded.shape[1]))


def _pairs(samples: Sequence[MomentDataSample]) -> Tensor:
    rows = [sample.gt_pairs.t() for sample in samples]
    return pad_sequence(rows, batch_first=True, padding_value=-1).transpose(1, 2).contiguous()
