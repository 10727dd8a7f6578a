"""Single functions of the official SnAG code: points, labels, resampling, learning rates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmvmr.conversion.checkpoints import recorded_options
from mmvmr.conversion.methods.snag import METHOD
from mmvmr.datasets.transforms.resampling import resample
from mmvmr.engine.optim.matrix_decay import MatrixDecayConstructor
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import PredictionSet, to_start_end
from parity.methods.snag_decoding import decoding, suppression
from parity.methods.snag_inputs import read_inputs, read_targets, snag_model
from parity.recording import Tensors, load_arrays
from parity.schedules import epoch_rates

Groups = Iterator[tuple[str, Tensors, Tensors]]


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
    yield from decoding(folder, options)
    yield from suppression(folder)
    yield from _resampling(folder)
    yield from _rates(folder, str(config.get('notes', {}).get('schedule', '')))
    yield from _groups(folder, config)


def _points(folder: Path, options: Mapping[str, Any]) -> Groups:
    recorded = load_arrays(folder / 'points.npz')
    if not recorded:
        return
    cfg = METHOD.model_config(options).point_generator
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
    inputs = read_inputs(folder)
    model = snag_model(folder, recorded_options(config)).train()
    targets = read_targets({**inputs, **load_arrays(folder / 'targets.npz')}, inputs['video_mask'], config)
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
    return METHOD.model_config(recorded_options(config)).criterion.losses.span.normalizer.initial


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
    wanted = {METHOD.rename(name): (g['lr'], g['weight_decay']) for g in groups for name in g['names']}
    # Every part of the model may have a rate of its own; that of the video is the base.
    rates = {part: next(g['lr'] for g in groups for name in g['names'] if name.startswith(part)) for part in _PARTS}
    base = rates['vid_net']
    ratios = {ours: rates[part] / base for part, names in _PARTS.items() for ours in names}
    model = snag_model(folder, recorded_options(config))
    optimizer = {'type': 'AdamW', 'lr': base, 'weight_decay': max(group['weight_decay'] for group in groups)}
    # Built by class: by name, mmengine finds it only where the default scope is ours.
    wrapper = MatrixDecayConstructor({'type': 'OptimWrapper', 'optimizer': optimizer}, {'lr_mult': ratios})(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(p)]: (g['lr'], g['weight_decay']) for g in wrapper.optimizer.param_groups for p in g['params']}
    yield 'parameter groups', _table(found), _table(wanted)


def _table(groups: Mapping[str, tuple[float, float]]) -> Tensors:
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in groups.items()}
