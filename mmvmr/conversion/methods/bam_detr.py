"""BAM-DETR, https://github.com/Pilhyeon/BAM-DETR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.method import Case, OfficialMethod, Tensors, load_arrays, register, split_indices
from mmvmr.conversion.methods import detr_family as family
from mmvmr.structures import Outputs

_SALIENCY = ('saliency_margin', 'saliency_rank', 'saliency_negative')
_SIDES = ('left', 'right')


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    options = family.common_options(args)
    depth = {'num_layers': args['enc_layers']}
    options['encoder'] = {
        'sampler': {'exclude_same_video': False},
        'word_positions': 'kept',
        'encoder': {'fusion': {**depth, 'mask_layout': 'head_major'}, 'layers': dict(depth)},
    }
    options['query_initializer']['projection'] = 'in_place'
    options['decoder'].update(
        boundary_features={'padding': 'keep'},
        boundary_layer={'attention': {'num_points': 4, 'scale': 'padded', 'zero_init': False}},
    )
    options['moment_head'] = {
        'logits': {'type': 'ForegroundHead', 'num_states': 3, 'num_layers': args['dec_layers']},
        'quality': {'form': 'difference'} if args['quality_loss'] else None,
    }
    options['criterion'] = _criterion(args, options['criterion'])
    options['postprocessor'] = {'score': 'quality' if args['quality_loss'] else 'foreground'}
    return options


def _criterion(args: Mapping[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    losses = common['losses']
    # The base config has None in their place.
    common['assigner']['costs']['label'].update(_delete_=True, type='ForegroundCost')
    losses['label'].update(_delete_=True, type='ForegroundLoss')
    for name in _SALIENCY:
        losses.setdefault(name, {})['weight'] = args['lw_saliency']
    losses['quality'] = losses['boundary'] = None
    if args['quality_loss']:  # it switches both
        losses['quality'] = {'weight': args['quality_loss_coef'], 'final_only': not args.get('aux_loss', True)}
        losses['boundary'] = {'weight': args['boundary_loss_coef'], 'grid': 'padded'}
    if args.get('dset_name') == 'tvsum':  # highlights only: nothing is matched
        return {'assigner': None, 'losses': {**dict.fromkeys(losses), **{name: losses[name] for name in _SALIENCY}}}
    return common


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    moments = outputs.decoded.aux['moments']
    arrays = {
        **family.prediction_arrays(outputs),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': inputs['video_mask'].float(),
        'memory_boundary': torch.cat(list(outputs.decoded.aux['boundary']), dim=-1),
        **_intermediates(model, outputs),
    }
    for predictions in outputs.sets:
        prefix = '' if predictions.final else f'aux_{predictions.layer}.'
        if predictions.quality is not None:
            arrays[f'{prefix}pred_quality'] = predictions.quality.unsqueeze(-1)
        arrays[f'{prefix}pred_spans2'] = predictions.spans  # differs by its gradient only
        arrays[f'{prefix}pred_spans_raw'] = moments[predictions.layer + 1]
    return arrays


def _intermediates(model: nn.Module, outputs: Outputs) -> Tensors:
    features, memory, decoded = outputs.features, outputs.memory, outputs.decoded
    batch = len(features.text.feat)
    token = model.encoder.encoder.token.feat.expand(batch, 1, -1)
    arrays = {
        'hs': _alternating_states(outputs),
        'reference': decoded.aux['moments'],
        'memory_local': memory.video.feat,
        'memory_global': memory.global_token,
        'memory_boundary_seqfirst': torch.cat(list(decoded.aux['boundary']), dim=-1).transpose(0, 1),
        'vid_proj': features.video.feat,
        'txt_proj': features.text.feat,
        't2v_out': torch.cat((token, memory.aux['fused'], features.text.feat), dim=1).transpose(0, 1),
        'encoder_out': torch.cat((memory.global_token[:, None], memory.video.feat), dim=1).transpose(0, 1),
        'query_embed_after_forward': model.query_initializer.moments.weight,
    }
    for index, layers in enumerate(model.decoder.boundary_layers):
        for side, layer in zip(_SIDES, layers):
            read = family.first_output(layer.attention, lambda: model.decoder(outputs.queries, memory))
            arrays[f'boundary_deform_l{index}_{side}'] = read.flatten(0, 1)[None]
    return {f'inter.{name}': value for name, value in arrays.items()}


def _alternating_states(outputs: Outputs) -> Tensor:
    """States after the anchor pathway and after the boundary pathways of every layer (2 S, B, N, 3 D)."""
    previous, states = outputs.queries.content, []
    dims = previous.shape[-1] // 3
    for state in outputs.decoded.hidden:
        states += [torch.cat((state[..., :dims], previous[..., dims:]), dim=-1), state]
        previous = state
    return torch.stack(states)


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, _SALIENCY)
    for name, (_, value) in terms.items():
        base, _, layer = name.partition('.')
        if base in ('quality', 'boundary'):
            losses[f'loss_{base}' + (f'_{layer}' if layer else '')] = value
    losses['total_weighted'] = losses['total']
    return losses


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    variants = {'': {}, **{f'_{name}': v['arg_overrides'] for name, v in config.get('variants', {}).items()}}
    cases = []
    for suffix, options in variants.items():
        losses, indices = split_indices(load_arrays(folder / f'losses{suffix}.npz'))
        outputs = load_arrays(folder / f'outputs{suffix}.npz')
        cases.append(Case(suffix, outputs, losses, indices, options=options))
    cases.append(Case('_train', load_arrays(folder / 'outputs_train.npz'), train=True))
    return [case for case in cases if case.outputs or case.losses]


_DECODER = r'transformer\.decoder\.'
_BOUNDARY_LAYER = _DECODER + r'boundary_layers\.(\d+)\.([01])\.'
_OURS = r'decoder.boundary_layers.\1.\2.'
_SPECIAL = ('query_scale', 'bbox_embed', r'decoder\.norm')  # rules of the family that do not hold here

register(
    OfficialMethod(
        name='bam_detr',
        repository='Pilhyeon/BAM-DETR',
        base='bam_detr.py',
        options=_options,
        keys=(
            *family.PROJECTION_KEYS,
            *family.TEXT_POSITION_KEYS,
            (r'global_rep_token', r'encoder.encoder.token.feat'),
            (r'global_rep_pos', r'encoder.encoder.token.pos'),
            *family.encoder_keys('transformer.t2v_encoder', 'encoder.encoder.fusion', 'cross_attn'),
            *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
            *(rule for rule in family.CONDITIONAL_DECODER_KEYS if not any(name in rule[0] for name in _SPECIAL)),
            (_DECODER + r'query_scale\.0\.(.+)', r'decoder.position.query_scale.\1'),
            *(
                (
                    _DECODER + rf'boundary_conv_{side}\.{2 * conv}\.(.+)',
                    rf'decoder.boundary_features.{i}.convs.{conv}.\1',
                )
                for i, side in enumerate(_SIDES)
                for conv in range(3)
            ),
            *(
                (_BOUNDARY_LAYER + rf'boundary_deformation\.{old}\.(.+)', _OURS + rf'attention.{new}.\3')
                for old, new in (
                    ('point_weights', 'weights'),
                    ('point_offsets', 'offsets'),
                    ('value_proj', 'value'),
                    ('output_proj', 'output'),
                )
            ),
            (_BOUNDARY_LAYER + r'(linear[12]|activation)\.(.+)', _OURS + r'ffn.\3.\4'),
            (_BOUNDARY_LAYER + r'norm2\.(.+)', _OURS + r'norm1.\3'),
            (_BOUNDARY_LAYER + r'norm3\.(.+)', _OURS + r'norm2.\3'),
            (r'(?:transformer\.decoder\.bbox|span)_embed\.(\d+)\.([012])\.(.+)', r'decoder.steps.\1.\2.\3'),
            (r'query_embed\.weight', r'query_initializer.moments.weight'),
            (r'transformer\.tgt_embed\.weight', r'query_initializer.states.weight'),
            (r'class_embed\.(\d+)\.(.+)', r'moment_head.logits.linear.\1.\2'),
            (r'quality_pred\.(.+)', r'moment_head.quality.mlp.\1'),
            (r'(?:transformer\.)?saliency_proj1\.(.+)', r'saliency_head.clip.\1'),
            (r'(?:transformer\.)?saliency_proj2\.(.+)', r'saliency_head.token.\1'),
        ),
        unused=(
            r'txt_position_embed\..+',
            r'global_rep_(token|pos)_txt',  # read by the text encoder only
            r'transformer\.txt_encoder\..+',  # its output is thrown away
            _DECODER + r'query_scale\.[12]\..+',  # their product is overwritten
            _DECODER + r'ref_point_head_boundary\..+',
            _BOUNDARY_LAYER + r'norm1\..+',
        ),
        arrays=_arrays,
        losses=_losses,
        cases=_cases,
        dead={'inter.txt_encoder_out_unused': 'output of the text encoder, which the official code throws away'},
    )
)
