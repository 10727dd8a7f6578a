"""CG-DETR, https://github.com/wjun0830/CGDETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options

ATTENTION = ('attention_margin', 'attention_rank', 'attention_negative', 'attention_clip')
MOMENT = ('moment_sentence', 'moment_dummy', 'moment_clip')
ORTHOGONAL = ('orthogonal_dummies', 'orthogonal_prompts')
_FALSE_NEGATIVES = {'saliency_rank': 'added', 'attention_rank': 'ignored'}


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    options['shared']['num_dummies'] = args['num_dummies']
    pair = {
        'rows': 'valid',
        'word_positions': 'kept',
        'encoder': {
            'num_prompts': args['total_prompts'],
            'num_selected': args['num_prompts'],
            'token_reads': 'nothing',
            'fusion': {'num_layers': args['t2v_layers'], 'mask_layout': 'head_major'},
            'layers': {'num_layers': args['enc_layers']},
        },
    }
    options['encoder'] = {
        'layers': {'num_layers': args['dummy_layers']},
        'encoder': {
            'moment_layers': {'num_layers': args['moment_layers']},
            'sentence_layers': {'num_layers': args['sent_layers']},
            'encoder': pair,
        },
    }
    options['criterion']['losses'].update(_loss_options(args))
    if args.get('dset_name') in ('tvsum', 'youtube_uni'):
        family.without_matching(options['criterion'])
        options['criterion']['losses'].update(dict.fromkeys((*MOMENT, 'distill', *ORTHOGONAL)))
    if args.get('dset_name') == 'youtube_uni':  # multiplied by 0 there
        options['criterion']['losses'].update(saliency_negative=None, attention_negative=None)
    return options


def _loss_options(args: Options) -> dict[str, Any]:
    saliency, distill = args['lw_saliency'], args['lw_distill']
    weights = {
        **dict.fromkeys(family.SALIENCY, saliency),
        **dict.fromkeys(ATTENTION, saliency * args['lw_wattn']),
        **dict.fromkeys(MOMENT, args['lw_ms_align']),
        'distill': distill,
        **dict.fromkeys(ORTHOGONAL, distill),
    }
    losses: dict[str, Any] = {name: {'weight': weight} for name, weight in weights.items()}
    for name in ('saliency_margin', 'attention_margin'):
        losses[name]['margin'] = args['saliency_margin']
    for name in ('attention_clip', 'moment_clip', 'distill'):
        losses[name]['padding'] = 'include'
    for name, option in _FALSE_NEGATIVES.items():
        losses[name]['false_negatives'] = option
    losses['moment_dummy']['labels'] = 'first'
    losses['moment_clip']['form'] = 'probability'
    return losses


_PAIR = 'encoder.encoder.encoder'  # NegativePairEncoder


METHOD = OfficialMethod(
    name='cg_detr',
    repository='wjun0830/CGDETR',
    base='cg_detr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        (r'token_type_embeddings\.weight', r'projector.modality.embedding.weight'),
        (r'dummy_rep_token', r'encoder.feat'),
        (r'dummy_rep_pos', r'encoder.pos'),
        (r'moment_rep_token', r'encoder.encoder.moment.feat'),
        (r'moment_rep_pos', r'encoder.encoder.moment.pos'),
        (r'sent_rep_token', r'encoder.encoder.sentence.feat'),
        (r'sent_rep_pos', r'encoder.encoder.sentence.pos'),
        (r'global_rep_token', f'{_PAIR}.encoder.prompts'),
        (r'global_rep_pos', f'{_PAIR}.encoder.pos'),
        *family.encoder_keys('txtproj_encoder', 'encoder.layers'),
        *family.encoder_keys('scls_encoder', 'encoder.encoder.sentence_layers'),
        *family.encoder_keys('transformer.mcls_encoder', 'encoder.encoder.moment_layers'),
        *family.encoder_keys('transformer.t2v_encoder', f'{_PAIR}.encoder.fusion', 'cross_attn'),
        *family.encoder_keys('transformer.encoder', f'{_PAIR}.encoder.layers'),
        *family.CONDITIONAL_DECODER_KEYS,
        *family.HEAD_KEYS,
        *family.TOKEN_SALIENCY_KEYS,
    ),
    unused=(*family.UNUSED, r'txt_proj_linear\..+'),
)
