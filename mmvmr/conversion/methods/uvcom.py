"""UVCOM, https://github.com/EasonXiao-888/UVCOM."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmvmr.conversion.method import Case, OfficialMethod, Tensors, load_arrays, register, split_indices, targets_of
from mmvmr.conversion.methods import detr_family as family
from mmvmr.conversion.parity import read_inputs
from mmvmr.models.losses import ClipSentenceLoss
from mmvmr.models.projectors.linear_projector import TEF_DIMS
from mmvmr.structures import Features, Memory, Outputs

_SALIENCY = ('saliency_margin', 'saliency_rank', 'saliency_negative')
_INCLUDE = {'padding': 'include'}


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    family.refuse(args, n_input_proj=2)
    options = family.common_options(args)
    if (
        args.get('a_feat_dir') is not None
    ):  # both dimensions count the two temporal endpoint features, which we have once
        audio = args['a_feat_dim'] - TEF_DIMS
        options['projector'].update(video_dims=args['v_feat_dim'] + audio, audio_dims=audio)
    depth = {'num_layers': args['enc_layers']}
    fusion = {**depth, 'mask_layout': 'head_major'}
    iterations = {'num_iters': args.get('em_iter', 5), **_INCLUDE}
    relation = {'_delete_': True, 'type': 'MeanGate'} if args.get('cross_fusion') else dict(_INCLUDE)
    options['encoder'] = {
        'sampler': {'start_epoch': args['neg_choose_epoch'], 'exclude_same_video': False, **_INCLUDE},
        'word_positions': 'kept',
        'encoder': {
            'fusion': {'to_video': dict(fusion), 'to_text': dict(fusion)},
            'sentence': dict(_INCLUDE),
            'text_clusters': {'num_clusters': args['n_txt_mu'], **iterations},
            'video_clusters': {'num_clusters': args['n_visual_mu'], **iterations},
            'local': {'padding': 'input'},
            'relation': relation,
            'layers': dict(depth),
        },
    }
    options['query_initializer'].update(start='equal', slots={'padding': 'uniform'})
    _losses_options(args, options['criterion'])
    return options


def _losses_options(args: Mapping[str, Any], criterion: dict[str, Any]) -> None:
    losses = criterion['losses']
    for name in _SALIENCY:
        losses.setdefault(name, {})['weight'] = args['lw_saliency']
    losses['saliency_margin']['missing_low'] = 'zero'
    half = args['sim_loss_coef'] / 2
    highlights = args.get('dset_name') == 'tvsum'
    kept = half or highlights  # whose criterion computes it at any weight
    losses['video_sentence'] = {'weight': half} if kept else None
    losses['clip_sentence'] = {'weight': half, 'windows': 'first', **_INCLUDE} if kept else None
    if highlights:
        family.without_matching(criterion)


def _inputs(folder: Path) -> Tensors:
    """The recorded inputs as a preprocessed batch: here the endpoint features of the clips serve video and audio."""
    inputs, arrays = read_inputs(folder), load_arrays(folder / 'inputs.npz')
    if 'src_aud' in arrays:
        (sight, tef), (sound, again) = (
            (arrays[name][..., :-TEF_DIMS], arrays[name][..., -TEF_DIMS:]) for name in ('src_vid', 'src_aud')
        )
        if not torch.equal(tef, again):
            raise ValueError(
                f'{folder}/inputs.npz: the last {TEF_DIMS} channels of src_vid and src_aud differ, expected the '
                'temporal endpoint features of the clips behind both'
            )
        inputs['video'] = torch.cat((sight, sound, tef), dim=-1)
    return inputs


def _one_pass(model: nn.Module, features: Features, number: int) -> Tensors:
    """What the official module CIM computes in its first or second pass, under the names of the recording."""
    inner = model.encoder.encoder
    caught: dict[str, Any] = {}
    parts = {name: getattr(inner, name) for name in ('text_clusters', 'video_clusters', 'local', 'relation', 'layers')}
    parts.update(fusion=inner.fusion, words=inner.sentence.norm, slots=model.query_initializer.slots)
    handles = [
        module.register_forward_hook(lambda _m, _i, out, name=name: caught.__setitem__(name, out))
        for name, module in parts.items()
    ]
    try:
        memory = inner(features)
        decoded = model.decoder(model.query_initializer(memory), memory)
    finally:
        for handle in handles:
            handle.remove()
    fused, suffix = caught['fusion'], f'@{number}' if number else ''
    return {
        f'inter.hook/CIM.t2v_encoder{suffix}': _sequence_first(fused.video.feat, features.text.feat),
        f'inter.hook/CIM.v2t_encoder{suffix}': _sequence_first(features.video.feat, fused.text.feat),
        f'inter.hook/CIM.feature_proj{suffix}': _sequence_first(caught['words']),
        f'inter.hook/CIM.conv_local{suffix}': caught['local'].transpose(1, 2),
        f'inter.hook/CIM.GKA_Module{suffix}': _sequence_first(caught['layers']),
        f'inter.hook/CIM.processer_for_tgt{suffix}': caught['slots'],
        f'inter.hook/CIM{suffix}:0': decoded.hidden,
        f'inter.hook/CIM{suffix}:1': decoded.refined,
        f'inter.hook/CIM{suffix}:2': memory.video.feat,
        f'inter.hook/CIM{suffix}:3': memory.global_token,
        f'inter.fn/EM_RBF@{2 * number}': caught['text_clusters'],
        f'inter.fn/EM_RBF@{2 * number + 1}': caught['video_clusters'],
        f'inter.fn/BMRW@{number}': caught['relation'],  # the relation is either of the two
        f'inter.hook/CIM.moment_fusion{suffix}': _sequence_first(caught['relation']),
    }


def _sequence_first(*parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=1).transpose(0, 1)


def _similarities(model: nn.Module, memory: Memory, mask: Tensor) -> Tensors:
    similarity = memory.aux['similarity']
    sentence = similarity['sentence']
    return {
        'sim.VLA_Sim': similarity['video'] @ sentence.t(),
        'sim.CTA_Sim_0': (similarity['clips'] @ sentence.unsqueeze(-1)).squeeze(-1),
        'sim.CTA_Sim_1': mask,
        'sim.negative_idx': model.encoder.sampler.choose(memory, _no_targets(mask))[0],
    }


def _no_targets(mask: Tensor) -> Any:
    count = torch.zeros(len(mask), dtype=torch.long)
    return targets_of({'spans_cat': torch.zeros(0, 2), 'spans_count': count}, mask)


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, memory, mask = outputs.features, outputs.memory, inputs['video_mask']
    text, _ = model.encoder.negatives(features, _no_targets(mask), memory)
    return {
        **family.prediction_arrays(outputs),
        **_similarities(model, memory, mask),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': mask.float(),
        'inter.hook/input_vid_proj': features.video.feat,
        'inter.hook/input_txt_proj': features.text.feat,
        'inter.hook/position_embed': features.video.position(),
        **_one_pass(model, features, 0),
        **_one_pass(model, dataclasses.replace(features, text=text), 1),
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, _SALIENCY)
    if 'video_sentence' in terms:
        losses['loss_sim'] = 0.5 * (terms['video_sentence'][1] + terms['clip_sentence'][1])
    return losses


def _below(recorded: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): value for name, value in recorded.items() if name.startswith(prefix)}


def _outputs(recorded: Tensors) -> Tensors:
    """Recorded outputs with intermediates marked as such; the unused token in front of both fusions is left out."""
    named = {}
    for name, value in recorded.items():
        if name.startswith(('hook/CIM.t2v_encoder', 'hook/CIM.v2t_encoder')):
            value = value[1:]
        named[f'inter.{name}' if name.startswith(('hook/', 'fn/')) else name] = value
    return named


def _at_epoch(epoch: int) -> Any:
    return lambda model: MessageHub.get_current_instance().update_info('epoch', epoch)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    outputs, recorded = load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'losses.npz')
    variants = ('hl/', 'neg1/', 'late/', 'gt_clip_intra')
    losses, indices = split_indices({k: v for k, v in recorded.items() if not k.startswith(variants)})
    late, early = _at_epoch(config['args']['neg_choose_epoch']), _at_epoch(0)
    cases = [
        Case('', _outputs(_below(outputs, 'early/')), losses, indices, prepare=early),
        Case('_late', _outputs(_below(outputs, 'late/')), _below(recorded, 'late/'), prepare=late),
        Case('_hl', losses=_below(recorded, 'hl/'), options={'dset_name': 'tvsum'}, prepare=early),
    ]
    without = _below(recorded, 'neg1/')
    if without:
        arrays = load_arrays(folder / 'targets.npz')
        pairs = torch.stack((arrays['saliency_pos_labels'], arrays['saliency_neg_labels']), dim=1)
        pairs[0, 1, 1] = -1
        cases.append(Case('_neg1', losses=without, targets={'pairs': pairs}, prepare=early))
    return [case for case in cases if case.outputs or case.losses]


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    """The targets of the clip loss."""
    recorded = load_arrays(folder / 'losses.npz')
    if 'gt_clip_intra' in recorded:
        mask = load_arrays(folder / 'inputs.npz')['src_vid_mask'].bool()
        targets = targets_of(load_arrays(folder / 'targets.npz'), mask)
        ours = ClipSentenceLoss(windows='first').moment_clips(targets).float()
        yield 'clip targets', {'gt_clip_intra': ours}, {'gt_clip_intra': recorded['gt_clip_intra']}


_ENCODER = 'encoder.encoder.'
_SLOTS = (('project_q', 'query'), ('project_k', 'key'), ('project_v', 'value'))

register(
    OfficialMethod(
        name='uvcom',
        repository='EasonXiao-888/UVCOM',
        base='uvcom.py',
        options=_options,
        keys=(
            *family.PROJECTION_KEYS,
            *family.TEXT_POSITION_KEYS,
            (r'input_audio_proj\.(\d+)\.LayerNorm\.(.+)', r'projector.audio.\1.norm.\2'),
            (r'input_audio_proj\.(\d+)\.net\.1\.(.+)', r'projector.audio.\1.linear.\2'),
            (r'global_rep_pos', _ENCODER + 'token_pos'),
            (r'CIM\.txt_mu', _ENCODER + 'text_clusters.means'),
            (r'CIM\.vid_mu', _ENCODER + 'video_clusters.means'),
            *family.encoder_keys('CIM.t2v_encoder', _ENCODER + 'fusion.to_video', 'cross_attn'),
            *family.encoder_keys('CIM.v2t_encoder', _ENCODER + 'fusion.to_text', 'cross_attn'),
            *family.encoder_keys('CIM.GKA_Module', _ENCODER + 'layers'),
            (r'CIM\.feature_proj\.0\.(.+)', _ENCODER + r'sentence.linear.\1'),
            (r'CIM\.feature_proj\.1\.(.+)', _ENCODER + r'sentence.norm.\1'),
            (r'CIM\.conv_local\.(.+)', _ENCODER + r'local.convs.\1'),
            (r'CIM\.moment_fusion\.multihead_attn\.(.+)', _ENCODER + r'relation.attn.\1'),
            (r'CIM\.sim_vid\.(.+)', r'encoder.similarity.video.\1'),
            (r'CIM\.sim_txt\.(.+)', r'encoder.similarity.text.\1'),
            *((rf'CIM\.processer_for_tgt\.{old}\.(.+)', rf'query_initializer.slots.{new}.\1') for old, new in _SLOTS),
            (r'CIM\.processer_for_tgt\.(.+)', r'query_initializer.slots.\1'),
            (r'CIM\.decoder\.span_embed\.weight', r'query_initializer.embedding'),
            *((old.replace('transformer', 'CIM', 1), new) for old, new in family.CONDITIONAL_DECODER_KEYS),
            (r'query_embed\.weight', r'query_initializer.anchors.weight'),
            *family.HEAD_KEYS,
            (r'saliency_proj1\.(.+)', r'saliency_head.clip.\1'),
            (r'saliency_proj2\.(.+)', r'saliency_head.token.\1'),
        ),
        # The token is overwritten before anything reads it: its gradient is exactly zero.
        unused=(r'txt_position_embed\..+', r'global_rep_token'),
        arrays=_arrays,
        losses=_losses,
        cases=_cases,
        extra=_extra,
        inputs=_inputs,
    )
)
