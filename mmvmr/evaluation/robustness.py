"""Robustness of a trained model: its figures with masked moments, shuffled clips, swapped sentences, ...

Every probe changes the samples of a split and nothing else; predictions are scored against the true windows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmvmr.datasets.transforms.probes import stale_inputs
from mmvmr.evaluation.frame_probability import FrameProbability
from mmvmr.evaluation.functional import evaluate_moments
from mmvmr.evaluation.functional.validation import WINDOWS_KEY
from mmvmr.evaluation.metrics.query_metric import prediction_row
from mmvmr.evaluation.robustness_splits import Split, known_splits, open_split
from mmvmr.registry import MODELS, TRANSFORMS
from mmvmr.structures import FeatureSpec, MomentDataSample
from mmvmr.utils.checkpoint import load_checkpoint_safe
from mmvmr.utils.model_agreement import other_model
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of

#: Name of a probe to its transform; ``robustness.probes`` of a config adds others.
PROBES: dict[str, dict[str, Any] | None] = {
    'plain': None,
    'spurious_zero': {'type': 'MaskTargets', 'mode': 'zero'},
    'spurious_noise': {'type': 'MaskTargets', 'mode': 'noise'},
    'spurious_mean': {'type': 'MaskTargets', 'mode': 'mean'},
    'dynamic_context': {'type': 'ReplaceContext'},
    'shuffled_clips': {'type': 'ShuffleClips'},
    'other_query': {'type': 'SwapQuery'},
    'empty_query': {'type': 'EmptyQuery'},
    'position_only': {'type': 'PositionOnly'},
}
RECALL = (0.5, 0.7, 0.9)


def load_model(cfg: Config, checkpoint: str, specs: Iterable[FeatureSpec] = ()) -> BaseModel:
    """Build the model of a config with the weights of a checkpoint, all of them.

    Args:
        cfg: The config.
        checkpoint: The file.
        specs: Features that it will be given; compared with those it was trained on.

    Returns:
        The model in evaluation mode, on the best device.

    Raises:
        ValueError: If weights, features or the model that the weights were trained in do not fit.
    """
    stored = load_checkpoint_safe(checkpoint)
    meta = stored.get('meta')
    trained_on = meta.get('feature_spec') if isinstance(meta, dict) else None
    hooks = cfg.get('default_hooks') or {}
    refused = {name for name in ('feature_spec', 'inference_spec') if (hooks.get(name) or {}).get('mismatch') != 'warn'}
    for spec in specs if isinstance(trained_on, dict) and 'feature_spec' in refused else ():
        if issues := FeatureSpec.from_dict(dict(trained_on or {})).differences(spec, 'trained on', 'given'):
            raise ValueError(f'{checkpoint}: the checkpoint was trained on other features: {"; ".join(issues)}')
    model = MODELS.build(cfg.model)
    weights = weights_of(stored, checkpoint)
    require_fit(compare_weights(model.state_dict(), weights), stored, checkpoint)
    require_finite(weights, checkpoint)
    if 'inference_spec' in refused and (text := other_model(stored, cfg)):
        raise ValueError(f'{checkpoint}: {text}')
    model.load_state_dict(weights)
    return model.to(get_device()).eval()


def known_probes(cfg: Config) -> dict[str, dict[str, Any] | None]:
    """All probes: those of :data:`PROBES` and of ``robustness.probes`` of the config, by name."""
    return {**PROBES, **((cfg.get('robustness') or {}).get('probes') or {})}


def require_changed_inputs(split: Split, probes: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Refuse probes under which a model would still get inputs of the unchanged sample, e.g. scores of another model.

    Args:
        split: The split.
        probes: Name to transform.

    Raises:
        ValueError: If there is one.
    """
    augment = split.dataset.pipeline.augment
    stale = {name: stale_inputs(TRANSFORMS.build(dict(probe)), augment) for name, probe in probes.items() if probe}
    refused = [name for name, inputs in stale.items() if inputs]
    if refused:
        inputs = list(dict.fromkeys(name for name in augment for stale_names in stale.values() if name in stale_names))
        named = ', '.join(f'pipeline.augment.{name} ({type(augment[name]).__name__})' for name in inputs)
        others = ' '.join(name for name in probes if name not in refused) or 'plain'
        raise ValueError(
            f'split {split.name!r}: under the probes {refused} the model would still get what {named} makes of the '
            f'unchanged sample. Evaluate others (--probes {others}), or the model without this input: '
            f'pipeline.augment.{inputs[0]}=None of the data set'
        )


def predict(model: BaseModel, split: Split, probe: Mapping[str, Any] | None = None) -> Iterator[list[MomentDataSample]]:
    """Predict a split under a probe.

    Args:
        model: The model.
        split: The split.
        probe: Config of the transform; None leaves the samples as they are.

    Yields:
        The samples of a batch with predictions, views left out.
    """
    pipeline = split.dataset.pipeline
    augment = pipeline.augment
    pipeline.augment = dict(augment) if probe is None else {'probe': TRANSFORMS.build(dict(probe)), **augment}
    try:
        pipeline.bind(split.dataset)
        torch.manual_seed(split.dataset.seed)
        for batch in Runner.build_dataloader({**copy.deepcopy(dict(split.loader)), 'dataset': split.dataset}):
            with torch.no_grad():
                samples = model.test_step(batch)
            yield [sample for sample in samples if sample.get('view', 'main') == 'main']
    finally:
        pipeline.augment = augment


def score(predicted: Mapping[Any, Sequence[Any]], split: Split) -> dict[str, float]:
    """Score predictions against the windows of the annotation.

    Args:
        predicted: ``qid`` to ``[start, end, score]`` lists in seconds, best first.
        split: Their split.

    Returns:
        ``R1@0.5``, ``R1@0.7``, ``R1@0.9``, ``mIoU``, ``mAP@0.5``, ``mAP@0.75`` and ``mAP``, in percent.
    """
    rows = split.dataset.rows
    windows = [row['relevant_windows'] for row in rows]
    report = evaluate_moments([predicted[row['qid']] for row in rows], windows, split.protocol)['full']
    mean_ap = report['MR-mAP']
    figures = {f'R1@{t}': report['MR-R1'][str(t)] for t in RECALL}
    figures.update({f'mAP@{t}': mean_ap[str(t)] for t in (0.5, 0.75)})
    return {**figures, 'mIoU': report['MR-mIoU'], 'mAP': mean_ap['average']}


def evaluate_split(
    model: BaseModel,
    split: Split,
    probes: Mapping[str, Mapping[str, Any] | None],
    progress: Callable[[str], Any] = lambda line: None,
) -> dict[str, Any]:
    """Evaluate a model on one split under all probes.

    Args:
        model: The model.
        split: The split.
        probes: Name to transform; ``plain`` is evaluated in any case.
        progress: Called with one line before every pass over the data.

    Returns:
        ``num_queries``, ``num_videos``, ``unlabelled``, ``frame_probability`` (of the plain videos), and ``probes``:
        name to figures, with ``ratio``, the plain mAP divided by that of the probe.
    """
    report: dict[str, Any] = {
        'num_queries': len(split.dataset.rows),
        'num_videos': len({row['vid'] for row in split.dataset.rows}),
        'unlabelled': split.unlabelled,
    }
    figures: dict[str, dict[str, float]] = {}
    for name, probe in {'plain': None, **probes}.items():
        progress(f'{split.name}: {name}, {report["num_queries"]} queries')
        frames = FrameProbability(model) if name == 'plain' else None
        predicted: dict[Any, list[Any]] = {}
        for batch in predict(model, split, probe):
            predicted.update({sample.qid: prediction_row(sample.to_dict())[WINDOWS_KEY] for sample in batch})
            if frames is not None:
                frames.add(batch)
        if frames is not None:
            frames.close()
            report['frame_probability'] = frames.report()
        figures[name] = score(predicted, split)
        mean_ap = figures[name]['mAP']
        figures[name]['ratio'] = round(figures['plain']['mAP'] / mean_ap, 3) if mean_ap > 0 else math.nan
    return {**report, 'probes': figures}


def evaluate_robustness(
    cfg: Config,
    checkpoint: str,
    probes: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    seed: int = 0,
    limit: int | None = None,
    progress: Callable[[str], Any] = lambda line: None,
) -> dict[str, Any]:
    """Evaluate a checkpoint on all splits under all probes.

    Args:
        cfg: The config, after :func:`mmvmr.utils.setup.setup_env`.
        checkpoint: The weights.
        probes: Names of :func:`known_probes`; None for all.
        splits: See :func:`open_split`; None for those of ``robustness.default`` of the config, else the first of
            :func:`known_splits`.
        seed: Seed of what probes draw.
        limit: Use only this many queries of every split, the first ones.
        progress: Called with one line before every pass over the data.

    Returns:
        ``checkpoint``, ``seed`` and ``splits``: name to what :func:`evaluate_split` returns.

    Raises:
        ValueError: If a probe or split is unknown, a probe cannot change an input, or weights or features do not fit.
    """
    available = known_probes(cfg)
    if unknown := [name for name in probes or () if name not in available]:
        raise ValueError(f'unknown probes {unknown}: expected some of {sorted(available)}')
    chosen = {name: available[name] for name in (probes or available)}
    default = (cfg.get('robustness') or {}).get('default')
    names = list(splits or default or list(known_splits(cfg))[:1])
    opened = [open_split(cfg, name, seed, limit) for name in names]
    for split in opened:
        require_changed_inputs(split, chosen)
    model = load_model(cfg, checkpoint, [split.dataset.feature_spec for split in opened])
    reports = {split.name: evaluate_split(model, split, chosen, progress) for split in opened}
    return {'checkpoint': str(checkpoint), 'seed': seed, 'splits': reports}
