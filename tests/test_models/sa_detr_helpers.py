"""Tiny models and batches for the tests of SA-DETR and its components."""

import copy

import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

import mmvmr.models  # noqa: F401
from mmvmr.models.targets import build_targets
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample

VIDEO_DIMS, TEXT_DIMS, DIMS = 10, 8, 16
LENGTHS, WORDS, MOMENTS = (13, 9, 6, 1), (7, 4, 5, 3), (3, 1, 0, 1)


def tiny_config(path, changes=None):
    """The model of a config file, shrunk; ``changes`` are merged into it."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(
        {
            'model.shared': dict(embed_dims=DIMS, num_heads=2, ffn_dims=24),
            'model.projector.video_dims': VIDEO_DIMS,
            'model.projector.text_dims': TEXT_DIMS,
        }
    )
    if changes:
        cfg.merge_from_dict({'model': copy.deepcopy(changes)})  # mmengine pops _delete_ from what it merges
    return cfg.model


def tiny_model(path, changes=None, seed=0):
    torch.manual_seed(seed)
    return MODELS.build(tiny_config(path, changes))


def make_samples(lengths=LENGTHS, moments=MOMENTS, seed=0):
    """Samples with ``moments`` ground-truth spans; the last one of the default is covered by its moment wholly."""
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for index, (length, count) in enumerate(zip(lengths, moments)):
        sample = MomentDataSample(
            metainfo=dict(vid=f'v{index}', qid=index, duration=2.0 * length, num_clips=length, view='main')
        )
        spans = torch.rand(count, 2, generator=generator) * torch.tensor([0.4, 0.3]) + torch.tensor([0.3, 0.1])
        if length == 1:
            spans = torch.tensor([[0.5, 1.0]])[:count]
        centers = (torch.arange(length) + 0.5) / length
        clips = ((centers - spans[:, :1]).abs() <= spans[:, 1:] / 2).any(0)
        sample.gt_instances = InstanceData(spans=spans)
        sample.gt_clips = clips
        sample.gt_saliency = clips * torch.randint(1, 12, (length,), generator=generator).float()
        sample.gt_pairs = torch.full((2, 2), -1)
        if clips.any() and not clips.all():
            inside, outside = clips.nonzero()[:, 0], (~clips).nonzero()[:, 0]
            sample.gt_pairs = torch.stack((inside[[0, -1]], outside[[0, -1]]))
        samples.append(sample)
    return samples


def make_batch(lengths=LENGTHS, words=WORDS, moments=MOMENTS, seed=0):
    """What a data loader yields."""
    generator = torch.Generator().manual_seed(seed + 1)
    inputs = dict(
        video=[torch.randn(n, VIDEO_DIMS, generator=generator) for n in lengths],
        text=[torch.randn(n, TEXT_DIMS, generator=generator) for n in words],
    )
    return dict(inputs=inputs, data_samples=make_samples(lengths, moments, seed))


def make_targets(lengths=LENGTHS, moments=MOMENTS, seed=0):
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return build_targets(make_samples(lengths, moments, seed), mask)
