"""TR-DETR, https://github.com/mingyao1120/TR-DETR."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.tr_detr import METHOD
from mmvmr.models.heads.guided_saliency_head import best_query, best_window
from mmvmr.structures import MomentTargets, Outputs
from parity.methods import detr_family as family
from parity.recording import Case, Recording, Tensors, load_arrays, split_indices, targets_of

_SALIENCY = ('saliency_margin', 'saliency_rank')
_HIGHLIGHT = 'hl/'


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, fused = outputs.features, outputs.memory.fused
    video, text = features.video, features.text
    encoder, stages = model.encoder, model.encoder.fusion.stages
    first = encoder.layers(fused, video.mask, video.position())
    scores, bias = encoder.clip_scores(first)
    length = video.mask.shape[1]
    weight = model.saliency_head.clip_weights(outputs.memory, outputs.sets).unsqueeze(-1)
    head = model.saliency_head
    states, _ = family.output_while(lambda: head(outputs.memory, outputs.sets), head.gru)
    return {
        **family.prediction_arrays(outputs),
        'video_mask': inputs['video_mask'].float(),
        'src_vid_ed': video.feat,
        'src_txt_ed': text.feat,
        'src_vid_cls_ed': video.feat.mean(1),
        'src_txt_cls_ed': text.feat.mean(1),
        'hook/input_vid_proj': video.feat,
        'hook/input_txt_proj': text.feat,
        'hook/position_embed': video.position(),
        'hook/fuser.cq_attention': family.output_while(lambda: stages['context'](features), stages['context'].gather),
        'hook/fuser': stages['context'](features).video.feat,
        'hook/transformer.t2v_encoder': torch.cat((fused, text.feat), dim=1).transpose(0, 1),
        'hook/transformer.encoder': first.transpose(0, 1),
        'hook/transformer.encoder@1': outputs.memory.video.feat.transpose(0, 1),
        'hook/transformer:0': outputs.decoded.hidden,
        'hook/transformer:1': outputs.decoded.anchors,
        'hook/transformer:2': outputs.memory.video.feat,
        'hook/transformer:3': scores + bias,
        'hook/saliency_proj1': encoder.score(first),
        'hook/saliency_proj1@1': encoder.score(outputs.memory.video.feat * (1 + weight)),
        'hook/gru_extractor': states[:, -1],
        'mr2hd.start_end': (best_window(outputs.sets) * length).floor(),
        'mr2hd.query': best_query(outputs.final),
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, _SALIENCY)
    return {**losses, 'loss_vtc': terms['video_text'][1], 'loss_ctc': terms['clip_local'][1]}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    return dataclasses.replace(targets_of(arrays, mask), clips=arrays['pos_mask'] > 0)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """Outputs and losses, and the losses of the criterion without matching (``hl/``), which TVSum trains with."""
    recorded, indices = split_indices(load_arrays(folder / 'losses.npz'))
    highlight = {n.removeprefix(_HIGHLIGHT): v for n, v in recorded.items() if n.startswith(_HIGHLIGHT)}
    losses = {n: v for n, v in recorded.items() if not n.startswith(_HIGHLIGHT)}
    cases = [Case('', load_arrays(folder / 'outputs.npz'), losses, indices)]
    if highlight:
        cases.append(Case('_hl', losses=highlight, options={'dset_name': 'tvsum'}))
    return cases


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    targets=_targets,
)
