"""Options and parameter names that the implementations derived from Moment-DETR have in common."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion.method import Options

#: The losses that the official ``loss_saliency`` adds up, in the methods with negative pairs.
SALIENCY = ('saliency_margin', 'saliency_rank', 'saliency_negative')

INPUT_KEYS = (
    *(
        (rf'input_{old}_proj\.(\d+)\.{old_part}\.(.+)', rf'projector.{new}.\1.{new_part}.\2')
        for old, new in (('vid', 'video'), ('txt', 'text'), ('audio', 'audio'))
        for old_part, new_part in (('LayerNorm', 'norm'), (r'net\.1', 'linear'))
    ),
    (r'txt_position_embed\.position_embeddings\.weight', r'projector.text_position.embedding.weight'),
    (r'txt_position_embed\.LayerNorm\.(.+)', r'projector.text_position.norm.\1'),
)

GLOBAL_TOKEN_KEYS = (
    (r'global_rep_token', r'encoder.encoder.token.feat'),
    (r'global_rep_pos', r'encoder.encoder.token.pos'),
)

HEAD_KEYS = (
    (r'span_embed\.layers\.(.+)', r'moment_head.span.mlp.layers.\1'),
    (r'class_embed\.(.+)', r'moment_head.logits.linear.\1'),
)

#: Of methods that score clips next to a token.
TOKEN_SALIENCY_KEYS = (
    (r'(?:transformer\.)?saliency_proj1\.(.+)', r'saliency_head.clip.\1'),
    (r'(?:transformer\.)?saliency_proj2\.(.+)', r'saliency_head.token.\1'),
)

UNUSED = (r'txt_position_embed\..+', r'contrastive_align_projection_.+')

CONDITIONAL_DECODER_KEYS = (
    *(
        (rf'transformer\.decoder\.layers\.(\d+)\.{old}\.(.+)', rf'decoder.layers.\1.{new}.\2')
        for old, new in (
            ('sa_qcontent_proj', 'self_attn.query_content'),
            ('sa_qpos_proj', 'self_attn.query_pos'),
            ('sa_kcontent_proj', 'self_attn.key_content'),
            ('sa_kpos_proj', 'self_attn.key_pos'),
            ('sa_v_proj', 'self_attn.value'),
            ('self_attn.out_proj', 'self_attn.out_proj'),
            ('ca_qcontent_proj', 'cross_attn.query_content'),
            ('ca_qpos_proj', 'cross_attn.query_pos'),
            ('ca_qpos_sine_proj', 'cross_attn.query_sine'),
            ('ca_kcontent_proj', 'cross_attn.key_content'),
            ('ca_kpos_proj', 'cross_attn.key_pos'),
            ('ca_v_proj', 'cross_attn.value'),
            ('cross_attn.out_proj', 'cross_attn.out_proj'),
        )
    ),
    (r'transformer\.decoder\.layers\.(\d+)\.(linear[12]|activation)\.(.+)', r'decoder.layers.\1.ffn.\2.\3'),
    (r'transformer\.decoder\.layers\.(\d+)\.(norm[123])\.(.+)', r'decoder.layers.\1.\2.\3'),
    (r'transformer\.decoder\.norm\.(.+)', r'decoder.norm.\1'),
    (r'transformer\.decoder\.query_scale\.(.+)', r'decoder.position.query_scale.\1'),
    (r'transformer\.decoder\.ref_point_head\.(.+)', r'decoder.position.point_head.\1'),
    (r'transformer\.decoder\.ref_anchor_head\.(.+)', r'decoder.position.anchor_head.\1'),
    (r'transformer\.decoder\.bbox_embed\.(.+)', r'decoder.refiner.mlp.\1'),
    (r'query_embed\.weight', r'query_initializer.anchors.weight'),
)


def encoder_keys(official: str, ours: str, attention: str = 'self_attn') -> tuple[tuple[str, str], ...]:
    """Rules for a stack of encoder layers.

    Args:
        official: Official name of the stack, e.g. ``transformer.encoder``.
        ours: Our name of the stack, e.g. ``encoder.layers``.
        attention: Our name of the attention inside a layer.

    Returns:
        Rules for attention, feed-forward block and norms of every layer.
    """
    old = official.replace('.', r'\.') + r'\.layers\.(\d+)\.'
    new = ours + r'.layers.\1.'
    return (
        (old + r'self_attn\.(.+)', new + attention + r'.\2'),
        (old + r'(linear[12]|activation)\.(.+)', new + r'ffn.\2.\3'),
        (old + r'(norm[12])\.(.+)', new + r'\2.\3'),
    )


def input_options(args: Options) -> dict[str, Any]:
    """Widths and input projections, as config changes.

    Args:
        args: Official options.

    Returns:
        Changes of the model config.

    Raises:
        ValueError: If an option has a value that mmvmr does not implement.
    """
    refuse(args, pre_norm=False, position_embedding='sine', span_loss_type='l1')
    words = None
    if args.get('use_txt_pos'):
        words = {'type': 'LearnedTextPosition', 'max_length': args['max_q_l']}
    # Audio joins the channels of the video.
    audio = 0 if args.get('a_feat_dir') is None else args['a_feat_dim']
    return {
        'shared': {
            'embed_dims': args['hidden_dim'],
            'num_heads': args['nheads'],
            'ffn_dims': args['dim_feedforward'],
            'dropout': args.get('dropout', 0.1),
        },
        'projector': {
            'video_dims': args['v_feat_dim'] + audio,
            'text_dims': args['t_feat_dim'],
            'num_layers': args.get('n_input_proj', 2),
            'input_dropout': args.get('input_dropout', 0.5),
            'text_position': words,
        },
    }


def common_options(args: Options) -> dict[str, Any]:
    """Options that mean the same in every implementation of the family, as config changes.

    Args:
        args: Official options.

    Returns:
        Changes of the model config.

    Raises:
        ValueError: If an option has a value that mmvmr does not implement.
    """
    refuse(args, contrastive_align_loss=False)
    decoder_only_final = not args.get('aux_loss', True)
    return {
        **input_options(args),
        'query_initializer': {'num_queries': args['num_queries']},
        'decoder': {'num_layers': args['dec_layers']},
        'criterion': {
            'assigner': {
                'costs': {
                    'span': {'weight': args['set_cost_span']},
                    'giou': {'weight': args['set_cost_giou']},
                    'label': {'weight': args['set_cost_class']},
                }
            },
            'losses': {
                'span': {'weight': args['span_loss_coef'], 'final_only': decoder_only_final},
                'giou': {'weight': args['giou_loss_coef'], 'final_only': decoder_only_final},
                'label': {
                    'weight': args['label_loss_coef'],
                    'background_weight': args['eos_coef'],
                    'final_only': decoder_only_final,
                },
                'saliency_margin': {'weight': args['lw_saliency'], 'margin': args['saliency_margin']},
            },
        },
    }


def pair_encoder(args: Options) -> dict[str, Any]:
    """Changes of the encoder of QD-DETR, which BAM-DETR and TD-DETR have too."""
    depth = {'num_layers': args['enc_layers']}
    return {
        'sampler': {'exclude_same_video': False},
        'word_positions': 'kept',
        'encoder': {'fusion': {**depth, 'mask_layout': 'head_major'}, 'layers': dict(depth)},
    }


def without_matching(criterion: dict[str, Any]) -> None:
    """Leave the losses on moments out of criterion options, in place.

    For data sets without moments, with which the official code matches nothing: TVSum, for most.
    """
    criterion['assigner'] = None
    criterion['losses'].update(dict.fromkeys(('span', 'giou', 'label')))


def refuse(args: Options, **expected: Any) -> None:
    """Refuse options that no published result uses and mmvmr does not implement.

    Args:
        args: Official options.
        **expected: The only value that is implemented.

    Raises:
        ValueError: If an option is present with another value.
    """
    for name, value in expected.items():
        given = args.get(name, value)
        if given != value:
            raise ValueError(f'official option {name}={given!r} is not implemented, only {value!r}')


def postprocessing() -> dict[str, Any]:
    """The post-processing of Moment-DETR's script, which most of the family kept: 150 s and 2 s are hard-coded."""
    return {'scale': 'duration', 'clamp': (0, 150), 'round_to': 2.0, 'half_saliency': True}
