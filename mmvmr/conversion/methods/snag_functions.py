"""Single functions of the official SnAG code: points, labels, decoding, suppression, resampling, learning rates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvmr.conversion.method import METHODS, Tensors, load_arrays, recorded_options
from mmvmr.conversion.schedules import epoch_rates
from mmvmr.datasets.transforms.resampling import resample
from mmvmr.engine.optim.matrix_decay import MatrixDecayConstructor
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import MomentDataSample, Outputs, PredictionSet, pairwise_iou, to_start_end

Groups = Iterator[tuple[str, Tensors, Tensors]]


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


def compare_functions(folder: Path, config: Mapping[str, Any]) -> Groups:
    """Everything that a folder records beside the forward pass and the losses.

    Args:
        folder: The parity folder.
        config: Its ``config.json``.

    Yields:
        Name, our arrays and the recorded ones.
    """
    options = recorded_options(config)
    yield from _points(folder, options)
    yield from _labels(folder, config)
    yield from _decoding(folder, options)
    yield from _suppression(folder)
    yield from _resampling(folder)
    yield from _rates(folder, str(config.get('notes', {}).get('schedule', '')))
    yield from _groups(folder, config)


def _build(folder: Path, options: Mapping[str, Any]) -> nn.Module:
    from mmvmr.conversion.parity import build_model  # it imports this package

    return build_model(METHODS['snag'], options, load_arrays(folder / 'state_dict.npz'))


def _points(folder: Path, options: Mapping[str, Any]) -> Groups:
    recorded = load_arrays(folder / 'points.npz')
    if not recorded:
        return
    cfg = METHODS['snag'].model_config(options).point_generator
    ours: Tensors = {}
    for name in ('train', 'eval'):
        levels = [recorded[f'{name}_{i}'] for i in range(sum(key.startswith(f'{name}_') for key in recorded))]
        # The official generator is built anew for the longest video that inference expects.
        length = len(levels[0]) if name == 'eval' else options['model']['vid_net']['max_seq_len']
        generator = TASK_UTILS.build({**cfg, 'max_length': length})
        grid = generator.grid([len(level) for level in levels]).split([len(level) for level in levels])
        ours.update({f'{name}_{i}': level for i, level in enumerate(grid)})
        if name == 'train':
            ours['regression_range_train'] = torch.tensor(generator.ranges(len(levels)))
    yield 'points', ours, recorded


def _labels(folder: Path, config: Mapping[str, Any]) -> Groups:
    """Labels and offsets of every point, the moving count, and the losses before division with their alternatives."""
    recorded = load_arrays(folder / 'losses.npz')
    wanted = {
        name: value
        for name, value in recorded.items()
        if not name.startswith('gradnorm/') and name not in ('cls', 'reg', 'total')
    }
    if not wanted:
        return
    method, inputs = METHODS['snag'], read_inputs(folder)
    model = _build(folder, recorded_options(config)).train()
    targets = method.targets({**inputs, **load_arrays(folder / 'targets.npz')}, inputs['video_mask'], config)
    with torch.no_grad():
        outputs = model.predict_sets(inputs, targets)
        final, assigner = outputs.final, model.criterion.assigner
        (positive,) = assigner([final], targets)
        (anywhere,) = assigner([_without_mask(final)], targets)
        terms = model.criterion.terms(outputs, targets)
    start, end = to_start_end(targets.spans).unbind(-1)
    points, lengths = final.points, [level.feat.shape[1] for level in outputs.memory.levels]
    before = recorded['loss_norm_before']
    ours = {
        'gt_labels': _marked(anywhere, final.mask),
        'pos_masks': _marked(positive, final.mask),
        'gt_offsets': torch.stack((points.center - start, end - points.center), dim=-1) / points.size.unsqueeze(-1),
        'points_all': model.point_generator.grid(lengths),
        'norm': torch.tensor(len(positive.query)),
        'loss_norm_before': torch.tensor(config_norm(config)),
        'loss_norm_after': model.criterion.losses['span'].normalizer.value.double(),
        'loss_focal_sum': terms['foreground'][1] * before,
        **_alternatives(final, positive, targets),
    }
    yield 'labels', ours, wanted


def config_norm(config: Mapping[str, Any]) -> float:
    """The initial moving count of a recorded run."""
    return METHODS['snag'].model_config(recorded_options(config)).criterion.losses.span.normalizer.initial


def _without_mask(final: PredictionSet) -> PredictionSet:
    return PredictionSet(final.name, final.spans, final=True, points=final.points)


def _marked(matched: Any, mask: Tensor) -> Tensor:
    found = torch.zeros_like(mask)
    found[matched.batch, matched.query] = True
    return found


def _alternatives(final: PredictionSet, positive: Any, targets: Any) -> Tensors:
    """Sums of the losses that the official options choose among."""
    one = {'type': 'MovingCount', 'initial': 1.0}
    losses = {
        'loss_focal_nosmooth_sum': {'type': 'PointFocalLoss', 'smoothing': 0.0, 'alpha': 0.25, 'normalizer': one},
        'loss_diou_sum': {'type': 'SpanIoULoss', 'normalizer': one},
        'loss_giou_sum': {'type': 'SpanIoULoss', 'distance': 'none', 'normalizer': one},
    }
    return {name: MODELS.build(cfg)(final, positive, targets) for name, cfg in losses.items()}


def _decoding(folder: Path, options: Mapping[str, Any]) -> Groups:
    """Predictions in seconds of one long video, under several ways to cut it and to suppress repetitions."""
    recorded = load_arrays(folder / 'decode.npz')
    if not recorded:
        return
    data = {name.removeprefix('data.'): value.item() for name, value in recorded.items() if name.startswith('data.')}
    wanted = {name: value for name, value in recorded.items() if not name.startswith('data.')}
    inputs = _one_video(folder)
    ours: Tensors = {}
    for case in sorted({name.split('.')[0] for name in wanted}):
        model = _build(folder, {**options, 'eval': _variant(case, options.get('eval', {}), data)}).eval()
        given = inputs if case == 'ext' else {name: v for name, v in inputs.items() if name != 'prior'}
        # The recorded times are of clips that need not be those of the training options.
        model.point_generator.offset = 0.5 * data['clip_size'] / data['clip_stride']
        if case == 'nms':
            model.postprocessor.nms.threshold = _kept_overlap(model, given, wanted)
        with torch.no_grad():
            found = _collected(model, given) if case == 'collected' else _seconds(model, given, data)
        for i, instances in enumerate(found):
            ours[f'{case}.{i}.segments'], ours[f'{case}.{i}.scores'] = instances.windows, instances.scores
    yield 'decoding', ours, wanted


def _kept_overlap(model: nn.Module, inputs: Tensors, recorded: Tensors) -> float:
    """A threshold of hard suppression under which just what was recorded survives.

    The official one is not written down. No two survivors overlap by it or more, and whatever was suppressed overlaps
    a survivor by it or more: just above the largest overlap of two survivors, the outcome is the same.
    """
    with torch.no_grad():
        found = _collected(model, inputs)
    largest = 0.0
    for i, candidates in enumerate(found):
        scores = recorded[f'nms.{i}.scores']
        if not len(scores) or not len(candidates):
            continue
        # Suppression leaves scores alone; windows were refined and clamped.
        index = (scores[:, None] - candidates.scores).abs().argmin(1)
        overlap = pairwise_iou(candidates.windows[index], candidates.windows[index])
        largest = max(largest, overlap.fill_diagonal_(0).max().item())
    return largest + 1e-4


def _variant(case: str, options: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluation options of a recorded case; one without windows takes the video whole."""
    nms = dict(options.get('nms', {}))
    cut = case in ('slide', 'ext')
    windows = {name: data[name] if cut else None for name in ('window_size', 'window_stride')}
    if case in ('nms', 'none'):
        nms['mode'] = None if case == 'none' else 'nms'
    elif case == 'vote':
        nms.update(voting_thresh=0.5, max_num_segs=20)
    return {**options, 'nms': nms, **windows}


def _one_video(folder: Path) -> Tensors:
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


def _seconds(model: nn.Module, inputs: Tensors, data: Mapping[str, Any]) -> list[InstanceData]:
    clips = inputs['video'].shape[1]
    meta = {'duration': data['duration'], 'num_clips': clips, 'clip_len': data['clip_stride'] / data['fps']}
    samples = [MomentDataSample(metainfo=meta) for _ in inputs['video_index']]
    return [sample.pred_instances for sample in model.predict(inputs, samples)]


def _collected(model: nn.Module, inputs: Tensors) -> list[InstanceData]:
    """Candidates before suppression, on the grid of the features."""
    outputs: Outputs = model.predict_sets(inputs)
    found = model.postprocessor.reduce(outputs.final)
    generator = model.point_generator
    clips = to_start_end(found.spans) * inputs['video'].shape[1] - generator.offset
    scores = model.postprocessor.scores(found)
    return [
        InstanceData(windows=clips[i][mask] / generator.input_stride, scores=scores[i][mask])
        for i, mask in enumerate(found.mask)
    ]


def _suppression(folder: Path) -> Groups:
    """Stand-alone cases, whose options are written in ``args``."""
    recorded = load_text_arrays(folder / 'nms.npz')
    if not recorded:
        return
    segments, scores = recorded['in.segs'][None], recorded['in.scores'][None]
    args = dict(part.split(': ', 1) for part in recorded.pop('args').split('; '))
    hard, soft, batched = (_numbers(args[name]) for name in ('hard', 'softM', 'batched'))
    common = {'min_score': soft['min'], 'max_predictions': int(soft['max'])}
    cases = {
        'hard': {
            'type': 'HardNMS',
            'threshold': hard['iou'],
            'min_score': hard['min'],
            'max_predictions': int(hard['max']),
        },
        'soft0': {'type': 'HardNMS', 'threshold': soft['iou'], **common},
        'soft1': {'type': 'SoftNMS', 'decay': 'linear', 'threshold': soft['iou'], **common},
        'soft2': {'type': 'SoftNMS', 'threshold': 0.0, 'sigma': soft['sigma'], **common},
        'batched': {
            'type': 'SoftNMS',
            'threshold': 0.0,
            'sigma': batched['sigma'],
            'min_score': batched['min'],
            'max_predictions': int(batched['max']),
        },
    }
    ours: Tensors = {}
    for name, cfg in cases.items():
        index, kept = TASK_UTILS.build(cfg)(segments, scores)
        exists = kept[0] > -torch.inf
        ours[f'{name}.segs'], ours[f'{name}.scores'] = segments[0][index[0]][exists], kept[0][exists]
    for source, name, threshold in (('soft2', 'voted', float(args['voted'])), ('batched', 'batched', batched['vote'])):
        vote = TASK_UTILS.build({'type': 'SegmentVoting', 'threshold': threshold})
        ours[f'{name}.segs'] = vote(ours[f'{source}.segs'][None], segments, scores)[0]
    yield 'suppression', ours, {name: value for name, value in recorded.items() if not name.startswith('in.')}


def _numbers(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r'(\w+) (-?\d[\d.]*(?:e-?\d+)?)', text)}


def load_text_arrays(path: Path) -> dict[str, Any]:
    """Arrays of a file that holds a text as well; that stays a string."""
    import numpy as np

    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        return {
            name: str(data[name]) if data[name].dtype.kind == 'U' else torch.from_numpy(data[name])
            for name in data.files
        }


def _resampling(folder: Path) -> Groups:
    recorded = load_arrays(folder / 'resample.npz')
    wanted = {name: value for name, value in recorded.items() if name.startswith('out_')}
    ours = {}
    for name, value in wanted.items():
        source = recorded[f'in_{name.split("_")[1]}']
        ours[name] = torch.from_numpy(resample(source.t().numpy(), value.shape[1])).t()
    if wanted:
        yield 'resampling', ours, wanted


def schedule(name: str, warmup: int, steps: int, epoch: int) -> list[dict[str, Any]]:
    """The official schedule in iterations.

    Args:
        name: ``cosine`` or ``multistep``, with the epochs after the warm-up at which the rate falls (-1 for never).
        warmup: Iterations of the warm-up.
        steps: Iterations of the run.
        epoch: Iterations of an epoch.

    Returns:
        Configs of parameter schedulers.
    """
    kind, *milestones = name.split('_')
    first = {'type': 'ZeroWarmupLR', 'begin': 0, 'end': warmup, 'by_epoch': False}
    if kind == 'cosine':
        rest = {'type': 'CosineAnnealingLR', 'T_max': steps - warmup, 'eta_min': 1e-8}
        return [first, {**rest, 'begin': warmup, 'end': steps, 'by_epoch': False}]
    falls = [warmup + int(value) * epoch for value in milestones if int(value) >= 0]
    return [first, {'type': 'MultiStepLR', 'milestones': falls, 'gamma': 0.1, 'by_epoch': False}]


def _rates(folder: Path, note: str) -> Groups:
    """Rates of the video and the text group; ``note`` says how long an epoch and the warm-up are."""
    recorded = load_arrays(folder / 'schedule.npz')
    video, text, length, warmup = (_noted(note, pattern, default) for pattern, default in _SCHEDULE.items())
    ours, wanted = {}, {}
    for name, rates in recorded.items():
        cfg = schedule(name, int(warmup * length), len(rates), int(length))
        columns = [epoch_rates(cfg, base, len(rates)) for base in (video, text)]
        ours[name], wanted[name] = torch.stack(columns, dim=1) * 1e3, rates * 1e3
    if recorded:
        yield 'schedule', ours, wanted


#: Where the remark on a recorded schedule has its numbers, and what they are where it has not.
_SCHEDULE = {
    r'base ([\d.e-]+)': 1e-3,
    r'text_net_lr ([\d.e-]+)': 2e-4,
    r'(\d+) its per epoch': 5,
    r'warmup (\d+) epochs': 2,
}


def _noted(note: str, pattern: str, default: float) -> float:
    found = re.search(pattern, note)
    return float(found[1]) if found else default


#: Names of the parts in the official code, and ours.
_PARTS = {
    'vid_net': ('projector.video', 'encoder.video'),
    'text_net': ('projector.text', 'encoder.text'),
    'fusion': ('encoder.fusion',),
    'cls_head': ('point_head.score',),
    'reg_head': ('point_head.offset', 'point_head.scales'),
}


def _groups(folder: Path, config: Mapping[str, Any]) -> Groups:
    """Learning rate and weight decay of every parameter."""
    groups = config.get('param_groups')
    if not groups:
        return
    method = METHODS['snag']
    wanted = {method.rename(name): (g['lr'], g['weight_decay']) for g in groups for name in g['names']}
    # Every part of the model may have a rate of its own; that of the video is the base.
    rates = {part: next(g['lr'] for g in groups for name in g['names'] if name.startswith(part)) for part in _PARTS}
    base = rates['vid_net']
    ratios = {ours: rates[part] / base for part, names in _PARTS.items() for ours in names}
    model = _build(folder, recorded_options(config))
    optimizer = {'type': 'AdamW', 'lr': base, 'weight_decay': max(group['weight_decay'] for group in groups)}
    # Built by class: by name, mmengine finds it only where the default scope is ours.
    wrapper = MatrixDecayConstructor({'type': 'OptimWrapper', 'optimizer': optimizer}, {'lr_mult': ratios})(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(p)]: (g['lr'], g['weight_decay']) for g in wrapper.optimizer.param_groups for p in g['params']}
    yield 'parameter groups', _table(found), _table(wanted)


def _table(groups: Mapping[str, tuple[float, float]]) -> Tensors:
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in groups.items()}
