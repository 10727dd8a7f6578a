"""Tiny models and made-up batches: what tests of a component need, here and in other packages."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData
from torch import nn

from mmvmr.models.builder import constructor_arguments
from mmvmr.models.targets import build_targets
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, MomentTargets

VIDEO_DIMS, TEXT_DIMS, EMBED_DIMS = 10, 8, 16
#: Of the channels of a clip, where a model projects sound apart.
AUDIO_DIMS = 3
#: Of a frame.
PATCHES = 4
#: Layers that a clip holds, and tokens of a frame in each.
LAYERS, FRAME_TOKENS = 2, 2
#: More inputs that a batch may have.
EXTRAS = ('roles', 'patches')
#: Clips, words and moments of the default batch: one video of a single clip, one sentence without a moment.
CLIPS, WORDS, MOMENTS = (13, 9, 6, 1), (7, 4, 5, 3), (3, 1, 0, 1)


def shrink(model: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> ConfigDict:
    """Cut the widths of a model config down, leaving its structure alone.

    Args:
        model: Config of a detector.
        changes: Further changes, merged after the cut.

    Returns:
        A new config.
    """
    cfg = Config({'model': copy.deepcopy(dict(model))})
    cfg.merge_from_dict(
        {
            'model.shared': {'embed_dims': EMBED_DIMS, 'num_heads': 2, 'ffn_dims': 24},
            'model.projector.video_dims': VIDEO_DIMS,
            'model.projector.text_dims': TEXT_DIMS,
        }
    )
    if cfg.model.shared.get('word_dims'):
        # Words as they come: a text encoder has a package and a vocabulary of its own.
        cfg.model.shared.word_dims = TEXT_DIMS
        cfg.model.projector.text_encoder = None
        cfg.model.encoder.kernel_size = 3
    if cfg.model.shared.get('frame_dims'):
        cfg.model.shared.frame_dims = VIDEO_DIMS
        for loss in filter(None, cfg.model.criterion.losses.values()):
            _shrink_guided(loss)
    if cfg.model.shared.get('feature_layers'):
        cfg.model.shared.update(feature_layers=LAYERS, frame_tokens=FRAME_TOKENS)
    if cfg.model.projector.get('audio_dims'):
        cfg.model.projector.audio_dims = AUDIO_DIMS
    _shrink_similarity(cfg.model)
    if changes:
        cfg.merge_from_dict({'model': copy.deepcopy(dict(changes))})  # mmengine empties what it merges
    return cfg.model


def _shrink_similarity(node: Any) -> None:
    """Similarity maps compare the first channels of a clip with tokens of as many."""
    if isinstance(node, dict):
        if node.get('type') == 'SimilarityMap':
            node.update(channels=(0, TEXT_DIMS), text_dims=TEXT_DIMS, rank=TEXT_DIMS // 2)
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for part in node:
            _shrink_similarity(part)


def _shrink_guided(loss: ConfigDict) -> None:
    """Losses in which words look at frames: clips and words of made-up batches have different channels."""
    if 'space' in constructor_arguments(loss['type']):
        loss.space = 'learned'
    for name, value in (('word_dims', TEXT_DIMS), ('frame_dims', VIDEO_DIMS), ('num_patches', PATCHES)):
        if name in loss:
            loss[name] = value
    if 'projection' in loss:
        loss.projection = 'linear'


def extra_inputs(cfg: Mapping[str, Any]) -> list[str]:
    """What a training batch of a config has beside clips and words: ``extras`` of :func:`make_batch`."""
    inputs = cfg['train_dataloader']['dataset'].get('pipeline', {}).get('pack', {}).get('inputs') or {}
    return [name for name in inputs if name in EXTRAS]


def tiny_model(path: str | Path, changes: Mapping[str, Any] | None = None, seed: int = 0) -> nn.Module:
    """Build the shrunk model of a config file.

    Args:
        path: A config file with a ``model``.
        changes: Further changes of the model config.
        seed: Seed of the initial weights.

    Returns:
        The model, in training mode.
    """
    torch.manual_seed(seed)
    return MODELS.build(shrink(Config.fromfile(path).model, changes))


def make_samples(
    clips: Sequence[int] = CLIPS, moments: Sequence[int] = MOMENTS, seed: int = 0
) -> list[MomentDataSample]:
    """Labelled samples with random moments.

    Args:
        clips: Clips per video; a moment of a one-clip video covers it wholly.
        moments: Ground-truth moments per sample.
        seed: Seed of the labels.

    Returns:
        One sample per entry.
    """
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for index, (length, count) in enumerate(zip(clips, moments)):
        spans = torch.rand(count, 2, generator=generator) * torch.tensor([0.4, 0.3]) + torch.tensor([0.3, 0.1])
        if length == 1:
            spans = torch.tensor([[0.5, 1.0]])[:count]
        centers = (torch.arange(length) + 0.5) / length
        inside = ((centers - spans[:, :1]).abs() <= spans[:, 1:] / 2).any(0)
        sample = MomentDataSample(
            metainfo={
                'vid': f'v{index}',
                'qid': index,
                'duration': 2.0 * length,
                'num_clips': length,
                'clip_len': 2.0,
                'view': 'main',
            }
        )
        sample.gt_instances = InstanceData(spans=spans)
        sample.gt_clips = inside
        sample.gt_saliency = inside * torch.randint(1, 12, (length,), generator=generator).float()
        sample.gt_pairs = torch.full((2, 2), -1)
        if inside.any() and not inside.all():
            high, low = inside.nonzero()[:, 0], (~inside).nonzero()[:, 0]
            sample.gt_pairs = torch.stack((high[[0, -1]], low[[0, -1]]))
        samples.append(sample)
    return samples


def make_batch(
    clips: Sequence[int] = CLIPS,
    words: Sequence[int] = WORDS,
    moments: Sequence[int] = MOMENTS,
    seed: int = 0,
    dims: tuple[int, int] = (VIDEO_DIMS, TEXT_DIMS),
    extras: Sequence[str] = (),
) -> dict[str, Any]:
    """What a data loader yields, with random features.

    Args:
        clips: Clips per video.
        words: Words per sentence.
        moments: Ground-truth moments per sample.
        seed: Seed of features and labels.
        dims: Channels of a clip and of a word.
        extras: More inputs: ``roles`` of the words, ``patches`` of as many frames as clips.

    Returns:
        ``inputs`` (lists of tensors) and ``data_samples``.
    """
    generator = torch.Generator().manual_seed(seed + 1)
    inputs = {
        name: [torch.randn(length, channels, generator=generator) for length in lengths]
        for name, lengths, channels in (('video', clips, dims[0]), ('text', words, dims[1]))
    }
    if 'roles' in extras:
        inputs['roles'] = [torch.randint(0, 3, (length,), generator=generator) for length in words]
    if 'patches' in extras:
        inputs['patches'] = [torch.randn(length, PATCHES, dims[0], generator=generator) for length in clips]
    return {'inputs': inputs, 'data_samples': make_samples(clips, moments, seed)}


def make_targets(clips: Sequence[int] = CLIPS, moments: Sequence[int] = MOMENTS, seed: int = 0) -> MomentTargets:
    """The padded targets of :func:`make_samples`."""
    mask = torch.arange(max(clips)) < torch.tensor(clips)[:, None]
    return build_targets(make_samples(clips, moments, seed), mask)
