"""MMN, https://github.com/MCG-NJU/MMN."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvmr.conversion.method import Case, OfficialMethod, Tensors, load_arrays, register
from mmvmr.conversion.methods.detr_family import refuse
from mmvmr.conversion.parity import build_model
from mmvmr.models.layers import SparseMaxMap
from mmvmr.models.losses.proposal_losses import sentence_iou
from mmvmr.models.projectors.clip_pool_projector import resampling_weights
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentTargets, Outputs, pairwise_iou, to_center_width, to_start_end
from mmvmr.utils import check_choice

_MAPS = {'pool': 'SparseMaxMap', 'conv': 'SparseConvMap'}
_BERT = r'text_encoder\.bert\.'
_WORD_DIMS = 768  # hard-coded in the official code


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    sizes, test = args['MODEL']['MMN'], args['TEST']
    refuse(sizes['TEXT_ENCODER'], NAME='BERT')
    loss, clips = sizes['LOSS'], sizes['NUM_CLIPS']
    check_choice('official option', 'FEAT2D.NAME', sizes['FEAT2D']['NAME'], _MAPS)
    contrastive = {
        'weight': loss['CONTRASTIVE_WEIGHT'],
        'margin': loss['MARGIN'],
        'top_k': loss['NUM_POSTIVE_VIDEO_PROPOSAL'],
        'late_epoch': args['SOLVER']['ONLY_IOU'],
    }
    return {
        'shared': {
            'embed_dims': sizes['FEATPOOL']['HIDDEN_SIZE'],
            'joint_dims': sizes['JOINT_SPACE_SIZE'],
            'word_dims': _WORD_DIMS,
            'num_clips': clips,
        },
        'projector': {
            'video_dims': sizes['FEATPOOL']['INPUT_SIZE'],
            'text_dims': 1 if args.get('trained_bert') else _WORD_DIMS,
            'num_parts': args['INPUT']['NUM_PRE_CLIPS'],
            'kernel_size': sizes['FEATPOOL']['KERNEL_SIZE'],
            'last': 'excluded',
            'text_encoder': _bert() if args.get('trained_bert') else None,
        },
        'encoder': {
            'map': {'type': _MAPS[sizes['FEAT2D']['NAME']], 'counts': tuple(sizes['FEAT2D']['POOLING_COUNTS'])},
            'hidden_dims': sizes['PREDICTOR']['HIDDEN_SIZE'],
            'num_layers': sizes['PREDICTOR']['NUM_STACK_LAYERS'],
            'kernel_size': sizes['PREDICTOR']['KERNEL_SIZE'],
        },
        'moment_head': {'power': test['CONTRASTIVE_SCORE_POW']},
        'criterion': {
            'losses': {
                'iou': {'min_iou': loss['MIN_IOU'], 'max_iou': loss['MAX_IOU']},
                'vid': {**contrastive, 'temperature': loss['TAU_VIDEO'], 'removal_iou': loss['SENT_REMOVAL_IOU']},
                'sent': {
                    **contrastive,
                    'temperature': loss['TAU_SENT'],
                    'negative_iou': loss['NEGATIVE_VIDEO_IOU'],
                    'removed': 'zero',
                },
            }
        },
        'postprocessor': {'nms': {'threshold': test['NMS_THRESH']}},
    }


def _bert() -> dict[str, Any]:
    return {'type': 'TransformersTextEncoder', 'architecture': {'model_type': 'distilbert'}}


def _hints(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Whether DistilBERT is part of the weights (recordings have its output as input)."""
    return {'trained_bert': any(re.match(_BERT, key.removeprefix('module.')) for key in state)}


def _inputs(folder: Path) -> Tensors:
    arrays = load_arrays(folder / 'inputs.npz')
    video = arrays['feats']
    videos = range(len(video))
    text = [row for i in videos for row in arrays[f'query_{i}']]
    lengths = torch.cat([arrays[f'wordlens_{i}'] for i in videos])
    counts = torch.tensor([len(arrays[f'query_{i}']) for i in videos])
    longest = max(map(len, text))
    return {
        'video': video,
        'video_mask': torch.ones(video.shape[:2], dtype=torch.bool),
        'text': pad_sequence(text, batch_first=True),
        'text_mask': torch.arange(longest) < lengths[:, None],
        'video_index': torch.arange(len(video)).repeat_interleave(counts),
        **{name: array for name, array in arrays.items() if name.startswith('raw_')},
    }


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    moments = [arrays[f'moments_{i}'] / arrays[f'duration_{i}'] for i in range(len(mask))]
    rows = torch.arange(len(mask)).repeat_interleave(torch.tensor([len(m) for m in moments]))
    spans = to_center_width(torch.cat(moments)).unsqueeze(1)
    nothing = torch.zeros(len(rows), mask.shape[1])
    sizes = config['args']['MODEL']['MMN']
    cells = SparseMaxMap(sizes['NUM_CLIPS'], sizes['FEAT2D']['POOLING_COUNTS']).mask
    return MomentTargets(
        spans=spans,
        span_mask=torch.ones(spans.shape[:2], dtype=torch.bool),
        saliency=nothing,
        clips=nothing.bool(),
        pairs=torch.full((len(rows), 2, 1), -1),
        clip_mask=mask[rows],
        video_index=rows,
        views=['main'] * len(rows),
        # The official losses take them as input.
        candidate_iou=torch.cat([arrays[f'iou2d_{i}'][:, cells] for i in range(len(mask))]),
    )


def _per_video(name: str, values: Tensor, rows: Tensor) -> Tensors:
    return {f'{name}_{i}': values[rows == i] for i in range(int(rows.max()) + 1)}


def _as_map(model: nn.Module, values: Tensor) -> Tensor:
    """Values of candidates (B, M) as maps (B, N, N)."""
    size = model.encoder.map.num_clips
    flat = values.new_zeros(len(values), size**2).index_copy(1, model.encoder.cells, values)
    return flat.unflatten(1, (size, size))


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    rows, encoder = outputs.features.rows, model.encoder
    clips = outputs.features.video.feat.transpose(1, 2)
    start = encoder.map(clips)
    cells = encoder.convs(start).permute(0, 2, 3, 1)
    parts = model.projector.num_parts
    raw = {}
    for name in (name for name in inputs if name.startswith('raw_')):
        features = F.normalize(inputs[name], dim=1)
        weights = resampling_weights(torch.ones(1, len(features), dtype=torch.bool), parts, model.projector.last)
        raw[name.replace('raw_', 'raw_pooled_')] = weights[0] @ features
    proposals, info = outputs.memory.proposals, outputs.final.info
    return {
        'feats1d': clips,
        'map2d_in': start,
        'map2d_contrastive': encoder.contrastive(cells).permute(0, 3, 1, 2),
        'map2d_iou': encoder.iou(cells).permute(0, 3, 1, 2),
        'mask2d': encoder.map.mask,
        **{f'conv_weight_{i}': encoder.convs.weight(i) for i in range(len(encoder.convs.convs))},
        **_per_video('sent_feat', proposals.contrastive.sentences, rows),
        **_per_video('sent_feat_iou', proposals.iou.sentences, rows),
        **_per_video('contrastive', _as_map(model, info['contrastive']), rows),
        **_per_video('iou', _as_map(model, info['iou']), rows),
        **raw,
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    total = sum(weight * value for weight, value in terms.values())
    named = {f'loss_{name}': value for name, (_, value) in terms.items()}
    return {**named, 'total': total, 'total_early': total, 'total_late': total}


def _at_epoch(model: nn.Module | None, epoch: int) -> None:
    MessageHub.get_current_instance().update_info('epoch', epoch)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    recorded = load_arrays(folder / 'losses.npz')
    late = config['args']['SOLVER']['ONLY_IOU']
    own = ('gradnorm', 'bn_after', 'total')

    def of(total: str, gradients: str) -> Tensors:
        kept = {name: value for name, value in recorded.items() if not name.startswith(own) or name == total}
        norms = {f'gradnorm/{n.partition("/")[2]}': v for n, v in recorded.items() if n.startswith(f'{gradients}/')}
        return {**kept, **norms}

    return [
        Case(
            '',
            load_arrays(folder / 'outputs.npz'),
            of('total_early', 'gradnorm'),
            prepare=partial(_at_epoch, epoch=late - 1),
        ),
        Case('_late', losses=of('total_late', 'gradnorm_late'), prepare=partial(_at_epoch, epoch=late)),
    ]


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    state, recorded = load_arrays(folder / 'state_dict.npz'), load_arrays(folder / 'losses.npz')
    inputs, arrays = _inputs(folder), load_arrays(folder / 'targets.npz')
    targets = _targets(arrays, inputs['video_mask'], config)
    model = build_model(METHOD, {**config['args'], **_hints(state)}, state)
    with torch.no_grad():
        outputs = model.eval().predict_sets(inputs)
        yield 'IoU maps', *_iou_maps(model, arrays, targets)
        yield 'decoding', *_decoded(model, outputs, arrays, load_arrays(folder / 'decode.npz'), targets)
        model.train().predict_sets(inputs)
    statistics = {name: value for name, value in recorded.items() if name.startswith('bn_after/')}
    after = model.state_dict()
    yield 'batch norm', {n: after[METHOD.rename(n.removeprefix('bn_after/'))] for n in statistics}, statistics
    _at_epoch(None, 0)  # as it is without a run


def _iou_maps(model: nn.Module, arrays: Tensors, targets: MomentTargets) -> tuple[Tensors, Tensors]:
    size = model.encoder.map.num_clips
    first, last = torch.meshgrid(torch.arange(size), torch.arange(size), indexing='ij')
    cells = torch.stack((first, last + 1), dim=-1).flatten(0, 1) / size
    iou = pairwise_iou(cells, to_start_end(targets.spans)).squeeze(-1).unflatten(1, (size, size))
    ours = _per_video('iou2d', iou, targets.video_index)
    return ours, {name: arrays[name] for name in ours}


def _decoded(
    model: nn.Module, outputs: Outputs, arrays: Tensors, recorded: Tensors, targets: MomentTargets
) -> tuple[Tensors, Tensors]:
    """Candidates in seconds, scores and what suppression leaves, as the evaluation of the official code has them.

    Suppression starts from the recorded scores, in the order that torch sorts them: with random weights many are
    equal, and the last bit decides.
    """
    nms = TASK_UTILS.build({'type': 'HardNMS', 'threshold': model.postprocessor.nms.threshold})
    windows, maps, final = to_start_end(outputs.final.spans), _as_map(model, outputs.final.quality), outputs.final
    ours: Tensors = {}
    for video in range(int(targets.video_index.max()) + 1):
        rows = (targets.video_index == video).nonzero().flatten()
        for sentence, row in enumerate(rows.tolist()):
            name = f'{video}_{sentence}'
            ours[f'{name}.score2d'] = maps[row]
            ours[f'{name}.candidates'] = windows[row] * arrays[f'duration_{video}']
            ours[f'{name}.scores'] = final.quality[row]
            scores, order = recorded[f'{name}.scores'].sort(descending=True)
            candidates = recorded[f'{name}.candidates'][order]
            ours[f'{name}.nms'] = candidates[nms(candidates[None], scores[None])[0][0]]
        ours[f'box_iou_{video}'] = sentence_iou(targets)[rows][:, rows]
    return ours, recorded


METHOD = register(
    OfficialMethod(
        name='mmn',
        repository='MCG-NJU/MMN',
        base='mmn.py',
        options=_options,
        keys=(
            (r'featpool\.conv\.(.+)', r'projector.conv.\1'),
            (r'feat2d\.convs\.(.+)', r'encoder.map.convs.\1'),
            (r'proposal_conv\.convs\.(.+)', r'encoder.convs.convs.\1'),
            (r'proposal_conv\.bn\.(.+)', r'encoder.convs.norms.\1'),
            (r'proposal_conv\.conv1x1_(iou|contrastive)\.(.+)', r'encoder.\1.\2'),
            (r'text_encoder\.fc_out1\.(.+)', r'encoder.sentence.iou.\1'),
            (r'text_encoder\.fc_out2\.(.+)', r'encoder.sentence.contrastive.\1'),
            (r'text_encoder\.layernorm\.(.+)', r'encoder.sentence.norm.\1'),
            (_BERT + r'(?!embeddings\.position_ids)(.+)', r'projector.text_encoder.model.\1'),
        ),
        unused=(_BERT + r'embeddings\.position_ids',),  # a constant
        arrays=_arrays,
        losses=_losses,
        cases=_cases,
        targets=_targets,
        extra=_extra,
        layouts=((r'proposal_conv\.conv1x1_.+\.weight', lambda weight: weight.flatten(1)),),
        inputs=_inputs,
        hints=_hints,
    )
)
