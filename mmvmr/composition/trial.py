"""Try a config for one step on a few random clips, and report all unmet requirements between parts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from mmvmr.datasets.moment_dataset import BaseMomentDataset
from mmvmr.datasets.pipeline import MomentPipeline
from mmvmr.datasets.stores.feature_stores import ArrayStore
from mmvmr.models.detectors.base_detector import clip_mask
from mmvmr.models.targets import build_targets
from mmvmr.registry import DATASETS, FUNCTIONS, MODELS
from mmvmr.structures import FeatureSpec, Outputs

#: Stages without which the others go on.
_OPTIONAL = ('saliency_head', 'existence_head')


def build_problems(cfg: Config) -> list[str]:
    """Build the model and the training pipeline of a config, which check their options; their files are not missed.

    Args:
        cfg: A merged config, as :func:`mmvmr.utils.config.read_config` reads it.

    Returns:
        One line per part that refuses its options: config key, and the message of the part.
    """
    cfg = Config(cfg.to_dict())
    problems = []
    pipeline = cfg.get('train_dataloader', {}).get('dataset', {}).get('pipeline')
    parts = {'model': (MODELS.build, cfg.model), 'train_dataloader.dataset.pipeline': (MomentPipeline, pipeline)}
    for key, (build, node) in parts.items():
        try:
            if node is not None:
                build(node)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            problems.append(_line(key, error))
        except (ImportError, OSError):  # weights and packages are missed where the config is used
            pass
    return problems


def trial_problems(cfg: Config) -> list[str]:
    """Build the model of a config and train it for one step on random features, through the pipeline of the config.

    Args:
        cfg: A merged config, as :func:`mmvmr.utils.config.read_config` reads it.

    Returns:
        One line per requirement that is not met: config key, and the message of the part, which says the remedy. Empty
        where the step worked.
    """
    torch.manual_seed(0)
    try:
        model = MODELS.build(Config(cfg.to_dict()).model).train()
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        return [_line('model', error)]
    try:
        data = model.data_preprocessor(pipeline_batch(cfg), training=True)
    except (KeyError, OSError, TypeError, ValueError) as error:
        return [_line('train_dataloader.dataset.pipeline', error)]
    targets = build_targets(data['data_samples'], clip_mask(data['inputs']))
    outputs, problems = _outputs(model, data['inputs'], targets)
    if outputs is None:
        return problems
    total = torch.zeros(())
    for name, loss in list(model.criterion.losses.items()):
        model.criterion.losses = nn.ModuleDict({name: loss})
        try:
            values = model.criterion(outputs, targets)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            problems.append(_line(f'model.criterion.losses.{name}', error))
            continue
        problems += [
            f'model.criterion.losses.{name}: {key} is {value.item()}, expected a finite number'
            for key, value in values.items()
            if not torch.isfinite(value)
        ]
        total = total + sum(values.values())
    if not problems:
        total.backward()
        try:
            model.eval().postprocessor(outputs, data['data_samples'])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            problems.append(_line('model.postprocessor', error))
    return problems


def _line(key: str, error: Exception) -> str:
    message = ' '.join(str(error).split())
    return f'{key}: {message if isinstance(error, ValueError) else f"{type(error).__name__}: {message}"}'


def _outputs(model: Any, inputs: dict[str, Any], targets: Any) -> tuple[Outputs | None, list[str]]:
    """Outputs of all stages that work; a head that does not is left out, so that the losses are tried all the same."""
    problems: list[str] = []
    running: list[str] = []
    for name, stage in model.named_children():
        stage.register_forward_pre_hook(lambda *_, name=name: running.append(name))
        stage.register_forward_hook(lambda *_: running.pop() and None)
    while True:
        running.clear()
        try:
            outputs = model.predict_sets(inputs, targets)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            failed = running[0] if running else 'type'
            problems.append(_line(f'model.{failed}', error))
            if failed not in _OPTIONAL:
                return None, [*problems, f'what comes after model.{failed} was not tried']
            setattr(model, failed, None)
            continue
        if any('saliency_head' in problem for problem in problems):  # its losses are not wrong for that
            outputs.saliency = torch.zeros_like(targets.saliency)
            if outputs.memory.negative is not None:
                outputs.negative_saliency = torch.zeros_like(targets.saliency)
        return outputs, problems


def pipeline_batch(cfg: Config, videos: int = 2, clips: int = 12, words: int = 5) -> dict[str, Any]:
    """Random videos with two sentences each, through the training pipeline of a config.

    Args:
        cfg: A merged config.
        videos: Number of videos.
        clips: Clips per video.
        words: Text tokens per sentence.

    Returns:
        What a data loader yields, with the views that augmentations add.
    """
    config = cfg.train_dataloader.dataset
    while 'pipeline' not in config and 'dataset' in config:
        config = config.dataset
    sizes = (videos, clips, words)
    grouped = 'VideoSampler' in cfg.train_dataloader.sampler.type
    token_numbers = cfg.model.projector.get('text_encoder') is not None
    augment = dict(config.pipeline.get('augment') or {})
    for name in list(augment):
        alone = {**config, 'pipeline': {**config.pipeline, 'augment': {name: augment[name]}}}
        try:
            _dataset(alone, token_numbers, *sizes)[0]
        except OSError as error:  # an index of similar videos, patches: data, which a trial does without
            del augment[name]
            text = f'not tried without its files: train_dataloader.dataset.pipeline.augment.{name}: {error}'
            print_log(text, logger='current', level=logging.WARNING)
    dataset = _dataset({**config, 'pipeline': {**config.pipeline, 'augment': augment}}, token_numbers, *sizes)
    first, second = range(0, 2 * videos, 2), range(1, 2 * videos, 2)
    groups: list[Any] = list(zip(first, second)) if grouped else [*first, *second]
    return FUNCTIONS.get(cfg.train_dataloader.collate_fn.type)([dataset[group] for group in groups])


def _dataset(config: Mapping[str, Any], token_numbers: bool, videos: int, clips: int, words: int) -> BaseMomentDataset:
    if 'feature_spec' not in config:  # generated data say themselves
        return DATASETS.build({**config, 'num_videos': videos})
    spec = FeatureSpec.from_dict(config['feature_spec'])
    rng = np.random.default_rng(0)
    features = {
        stream.name: {f'v{i}': rng.standard_normal((clips, stream.dim), np.float32) for i in range(videos)}
        for stream in spec.streams
    }
    stores: dict[str, Any] = {name: ArrayStore(arrays) for name, arrays in features.items()}
    tokens = [rng.standard_normal((words, spec.text.dim), np.float32) for _ in range(2 * videos)]
    sentences = {str(i): np.ones_like(x) if token_numbers else x for i, x in enumerate(tokens)}
    stores['text'] = ArrayStore(sentences, template='{qid}')
    rows = [_row(i, clips, spec.clip_len) for i in range(2 * videos)]
    return BaseMomentDataset(rows, stores, spec, config['pipeline'])


def _row(index: int, clips: int, clip_len: float) -> dict[str, Any]:
    """A sentence about a quarter of its video, in the first or the second half."""
    first = 1 + clips // 2 * (index % 2)
    inside = list(range(first, first + clips // 4))
    return {
        'vid': f'v{index // 2}',
        'qid': index,
        'query': f'a person opens door {index}',
        'duration': clips * clip_len,
        'relevant_windows': [[first * clip_len, (first + len(inside)) * clip_len]],
        'relevant_clip_ids': inside,
        'saliency_scores': [[1, 2, 3]] * len(inside),
        'label': [[1.0]] * clips,
    }
