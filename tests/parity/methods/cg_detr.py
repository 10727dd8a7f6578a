"""CG-DETR, https://github.com/wjun0830/CGDETR."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.detr_family import SALIENCY
from mmvmr.conversion.methods.cg_detr import ATTENTION, METHOD, MOMENT, ORTHOGONAL
from mmvmr.structures import AdaptiveAttention, AlignmentTokens, Memory, MismatchedPairs, MomentTargets, Outputs, Tokens
from parity.methods import detr_family as family
from parity.recording import Case, Recording, Tensors, load_arrays, split_indices, targets_of


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    memory, adaptive = outputs.memory, outputs.memory.extra(AdaptiveAttention, 'parity')
    words = torch.cat((adaptive.dummies, outputs.features.text.feat), dim=1)
    arrays = {
        **family.prediction_arrays(outputs),
        **_negative_arrays(outputs),
        **_alignment_arrays(memory),
        'cate_attn_weights': adaptive.weights,
        't2vattnvalues': adaptive.on_text,
        'txt_mask': _joint_mask(memory.text, adaptive.dummies),
        'dummy_tokens': adaptive.dummies,
        'global_rep_tokens': adaptive.prompts[0],
        'video_mask': inputs['video_mask'].float(),
        'inter.hs': outputs.decoded.hidden,
        'inter.reference': outputs.decoded.anchors,
        'inter.memory_local_plus_global': memory.video.feat,
        'inter.memory_global': memory.global_token,
        'inter.t2v_attn_weights': adaptive.weights,
        'inter.vid_proj': model.projector.video(inputs['video']),
        'inter.txt_proj': model.projector.text(inputs['text']),
        'inter.pos_vid': outputs.features.video.position(),
        'inter.t2v_out': torch.cat((memory.fused, words), dim=1).transpose(0, 1),
        'inter.saliency_token_after_t2v': adaptive.token.transpose(0, 1),
    }
    dummies = family.output_while(lambda: model.encoder(outputs.features), model.encoder.layers)
    return {**arrays, 'inter.dummy_encoder_out': dummies.transpose(0, 1)}


def _joint_mask(words: Tokens, dummies: Tensor) -> Tensor:
    return torch.cat((words.mask.new_ones(dummies.shape[:2]), words.mask), dim=1).float()


def _negative_arrays(outputs: Outputs) -> Tensors:
    negative = outputs.memory.negative
    valid = negative.extra(MismatchedPairs, 'parity').valid
    return {
        'real_neg_mask': valid,
        'saliency_scores_neg': outputs.negative_saliency[valid],
        't2vattnvalues_neg': negative.extra(AdaptiveAttention, 'parity').on_text[valid],
        'src_txt_mask_neg': _joint_mask(negative.text, negative.extra(AdaptiveAttention, 'parity').dummies)[valid],
    }


def _alignment_arrays(memory: Memory) -> Tensors:
    tokens = memory.extra(AlignmentTokens, 'parity')
    inside, text = tokens.inside, tokens.text.transpose(1, 2)
    return {
        'memory_moment': tokens.moment,
        'nmmemory_moment': tokens.non_moment,
        'sentence_txt': tokens.sentence,
        'sentence_dummy': tokens.dummy_sentence,
        'moment2txt_similarity': tokens.moment_clips @ text,
        'nmoment2txt_similarity': tokens.non_moment_clips @ text,
        'moment_mask': inside,
        'src_vid': torch.where(inside.unsqueeze(-1), tokens.moment_clips, tokens.non_moment_clips),
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    present = {name for name in terms if name in (*SALIENCY, *ATTENTION)}
    losses = family.family_losses(terms, [name for name in SALIENCY if name in present])
    # The official option lw_wattn is a factor inside loss_saliency; here it is part of the weight.
    inner = terms['attention_rank'][0] / (terms['saliency_rank'][0] or 1.0)
    losses['loss_saliency'] = losses['loss_saliency'] + inner * sum(terms[n][1] for n in ATTENTION if n in present)
    for official, ours in (
        ('loss_ms_align', MOMENT),
        ('loss_distill', ('distill',)),
        ('loss_orthogonal_dummy', ORTHOGONAL),
    ):
        if ours[0] in terms:
            losses[official] = sum(terms[name][1] for name in ours)
    return {**losses, 'total_weighted': losses['total']}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    targets = targets_of(arrays, mask)
    # Without names the official code has no negatives, as if all samples were of one video.
    vids = config.get('vid') or [''] * len(mask)
    changes: dict[str, Any] = {'video_index': _video_index(vids, config['args']['dset_name'])}
    if 'relevant_clips' in arrays:
        changes['clips'] = arrays['relevant_clips'] > 0
    return dataclasses.replace(targets, **changes)


def _video_index(vids: Sequence[str], dataset: str) -> Tensor:
    """Samples of QVHighlights share a video if their names agree up to the last two underscores."""
    names = [vid.rsplit('_', 2)[0] if dataset == 'hl' else vid for vid in vids]
    return torch.tensor([names.index(name) for name in names])


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    dataset, lists = config['args']['dset_name'], config.get('vids', {})
    suffixes = ['', *(f'_{name}' for name in lists if name != 'main'), '_train']
    cases = []
    for suffix in suffixes:
        losses, indices = split_indices(load_arrays(folder / f'losses{suffix}.npz'))
        outputs = load_arrays(folder / f'outputs{suffix}.npz')
        vids = lists.get(suffix.removeprefix('_'))
        targets = {'video_index': _video_index(vids, dataset)} if vids else {}
        if outputs or losses:
            cases.append(Case(suffix, outputs, losses, indices, train=suffix == '_train', targets=targets))
    return cases


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    targets=_targets,
)
