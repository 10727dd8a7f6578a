"""TR-DETR, https://github.com/mingyao1120/TR-DETR."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.method import Case, OfficialMethod, Tensors, load_arrays, register, split_indices, targets_of
from mmvmr.conversion.methods import detr_family as family
from mmvmr.models.heads.guided_saliency_head import best_query, best_window
from mmvmr.structures import MomentTargets, Outputs

_SALIENCY = ('saliency_margin', 'saliency_rank')
_HIGHLIGHT = 'hl/'


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    options = family.common_options(args)
    depth = {'num_layers': args['enc_layers']}
    options['encoder'] = {
        'padding': 'include',
        'fusion': {'stages': {'text': {**depth, 'mask_layout': 'head_major'}}},
        'layers': dict(depth),
    }
    options['saliency_head'] = {'padding': 'include', 'start': 'wrap'}
    losses = options['criterion']['losses']
    del losses['label']['background_weight']  # eos_coef is not used
    losses['saliency_rank'] = {'weight': args['lw_saliency']}
    losses['video_text'] = {'weight': args['VTC_loss_coef'], 'padding': 'include'}
    losses['clip_local'] = {'weight': args['CTC_loss_coef'], 'padding': 'include'}
    if args.get('dset_name') == 'tvsum':
        family.without_matching(options['criterion'])
    return options


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, aux = outputs.features, outputs.memory.aux
    video, text = features.video, features.text
    encoder, stages = model.encoder, model.encoder.fusion.stages
    first = encoder.layers(aux['fused'], video.mask, video.position())
    scores, bias = encoder.clip_scores(first)
    length = video.mask.shape[1]
    weight = model.saliency_head.clip_weights(outputs.memory, outputs.sets).unsqueeze(-1)
    head = model.saliency_head
    states, _ = family.first_output(head.gru, lambda: head(outputs.memory, outputs.sets))
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
        'hook/fuser.cq_attention': family.first_output(stages['context'].gather, lambda: stages['context'](features)),
        'hook/fuser': stages['context'](features).video.feat,
        'hook/transformer.t2v_encoder': torch.cat((aux['fused'], text.feat), dim=1).transpose(0, 1),
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


def _row(weight: Tensor) -> Tensor:
    return weight.reshape(1, -1)


def _matrix(weight: Tensor) -> Tensor:
    return weight.squeeze(-1)


register(
    OfficialMethod(
        name='tr_detr',
        repository='mingyao1120/TR-DETR',
        base='tr_detr.py',
        options=_options,
        keys=(
            *family.PROJECTION_KEYS,
            *family.TEXT_POSITION_KEYS,
            (r'fuser\.cq_attention\.w4C', r'encoder.fusion.stages.context.clip.weight'),
            (r'fuser\.cq_attention\.w4Q', r'encoder.fusion.stages.context.word.weight'),
            (r'fuser\.cq_attention\.w4mlu', r'encoder.fusion.stages.context.product'),
            (r'fuser\.cq_attention\.cqa_linear\.conv1d\.(.+)', r'encoder.fusion.stages.context.gather.\1'),
            (r'fuser\.cq_concat\.weighted_pool\.weight', r'encoder.fusion.stages.context.pool.score.weight'),
            (r'fuser\.cq_concat\.conv1d\.conv1d\.(.+)', r'encoder.fusion.stages.context.join.\1'),
            *family.encoder_keys('transformer.t2v_encoder', 'encoder.fusion.stages.text', 'cross_attn'),
            *family.encoder_keys('transformer.encoder', 'encoder.layers'),
            *family.CONDITIONAL_DECODER_KEYS,
            (r'query_embed\.weight', r'query_initializer.anchors.weight'),
            *family.HEAD_KEYS,
            (r'saliency_proj1\.(.+)', r'encoder.score.\1'),
            (r'gru_extractor\.gru\.(.+)', r'saliency_head.gru.\1'),
        ),
        unused=(r'txt_position_embed\..+', r'contrastive_align_projection_.+'),
        layouts=(
            (r'fuser\.cq_attention\.w4[CQ]|fuser\.cq_concat\.weighted_pool\.weight', _row),
            (r'fuser\..+\.conv1d\.weight', _matrix),
        ),
        arrays=_arrays,
        losses=_losses,
        cases=_cases,
        targets=_targets,
    )
)
