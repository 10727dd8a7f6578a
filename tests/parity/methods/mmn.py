"""MMN, https://github.com/MCG-NJU/MMN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvmr.conversion.methods.mmn import METHOD
from mmvmr.models.layers import SparseMaxMap
from mmvmr.models.losses.proposal_losses import sentence_iou
from mmvmr.models.projectors.clip_pool_projector import resampling_weights
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentTargets, Outputs, ProposalScores, pairwise_iou, to_center_width, to_start_end
from parity.model import at_epoch, build_model
from parity.recording import Case, Recording, Tensors, load_arrays


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
    proposals, scores = outputs.memory.proposals, outputs.final.extra(ProposalScores, 'parity')
    return {
        'feats1d': clips,
        'map2d_in': start,
        'map2d_contrastive': encoder.contrastive(cells).permute(0, 3, 1, 2),
        'map2d_iou': encoder.iou(cells).permute(0, 3, 1, 2),
        'mask2d': encoder.map.mask,
        **{f'conv_weight_{i}': encoder.convs.weight(i) for i in range(len(encoder.convs.convs))},
        **_per_video('sent_feat', proposals.contrastive.sentences, rows),
        **_per_video('sent_feat_iou', proposals.iou.sentences, rows),
        **_per_video('contrastive', _as_map(model, scores.contrastive), rows),
        **_per_video('iou', _as_map(model, scores.iou), rows),
        **raw,
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    total = sum(weight * value for weight, value in terms.values())
    named = {f'loss_{name}': value for name, (_, value) in terms.items()}
    return {**named, 'total': total, 'total_early': total, 'total_late': total}


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
            prepare=at_epoch(late - 1),
        ),
        Case('_late', losses=of('total_late', 'gradnorm_late'), prepare=at_epoch(late)),
    ]


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    state, recorded = load_arrays(folder / 'state_dict.npz'), load_arrays(folder / 'losses.npz')
    inputs, arrays = _inputs(folder), load_arrays(folder / 'targets.npz')
    targets = _targets(arrays, inputs['video_mask'], config)
    model = build_model(METHOD, {**config['args'], **METHOD.hints(state)}, state)
    with torch.no_grad():
        outputs = model.eval().predict_sets(inputs)
        yield 'IoU maps', *_iou_maps(model, arrays, targets)
        yield 'decoding', *_decoded(model, outputs, arrays, load_arrays(folder / 'decode.npz'), targets)
        model.train().predict_sets(inputs)
    statistics = {name: value for name, value in recorded.items() if name.startswith('bn_after/')}
    after = model.state_dict()
    yield 'batch norm', {n: after[METHOD.rename(n.removeprefix('bn_after/'))] for n in statistics}, statistics
    at_epoch(0)(None)  # as it is without a run


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


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    targets=_targets,
    extra=_extra,
    inputs=_inputs,
)
