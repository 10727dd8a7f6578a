"""Recorded inputs and targets of SnAG, and its model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.checkpoints import recorded_options
from mmvmr.conversion.methods.snag import METHOD, point_offset
from mmvmr.structures import MomentTargets, to_center_width
from parity.model import build_model
from parity.recording import Tensors, load_arrays, targets_of


def read_inputs(folder: Path) -> Tensors:
    """The recorded training batch: sentences without the padding to the largest number of sentences of a video."""
    arrays = load_arrays(folder / 'inputs.npz')
    counts = arrays['train.text_size'].tolist()

    def sentences(name: str) -> Tensor:
        return torch.cat([rows[:count] for rows, count in zip(arrays[name], counts)])

    return {
        'video': arrays['train.vid'].transpose(1, 2),
        'video_mask': arrays['train.vid_masks'].bool(),
        'text': sentences('train.text').transpose(1, 2),
        'text_mask': sentences('train.text_masks').bool(),
        'video_index': torch.arange(len(counts)).repeat_interleave(torch.tensor(counts)),
    }


def read_targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    """Segments on the grid of the features, one per sentence, to parts of the video."""
    index = arrays['video_index']
    clips = mask[index].sum(1, keepdim=True)
    offset = point_offset(recorded_options(config).get('train', {}).get('data', {}))
    spans = to_center_width((arrays['targets'] + offset) / clips)
    targets = targets_of({'spans_cat': spans, 'spans_count': torch.ones(len(spans), dtype=torch.long)}, mask[index])
    return dataclasses.replace(targets, video_index=index)


def one_video(folder: Path) -> Tensors:
    """The long video that inference was recorded on, with all its sentences."""
    arrays = load_arrays(folder / 'inputs.npz')
    video = arrays['eval.vid'].t().unsqueeze(0)
    texts = [arrays[f'eval.text_{i}'].t() for i in range(sum(name.startswith('eval.text_') for name in arrays))]
    lengths = torch.tensor([len(text) for text in texts])
    text = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    return {
        'video': video,
        'video_mask': torch.ones(video.shape[:2], dtype=torch.bool),
        'text': text,
        'text_mask': torch.arange(text.shape[1]) < lengths[:, None],
        'video_index': torch.zeros(len(texts), dtype=torch.long),
        'prior': arrays['eval.ext_scores'],
    }


def snag_model(folder: Path, options: Mapping[str, Any]) -> nn.Module:
    """The model of a folder."""
    return build_model(METHOD, options, load_arrays(folder / 'state_dict.npz'))
