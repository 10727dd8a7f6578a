"""Tiny configs of all baselines on synthetic data, as files, and what tests do with them."""

from __future__ import annotations

import copy
from functools import cache

import torch
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.datasets import moment_collate
from mmvmr.registry import DATASETS, MODELS

#: What every composition can be put onto.
BASELINES = ('moment_detr', 'qd_detr', 'cg_detr', 'bam_detr', 'eatr', 'uvcom', 'tr_detr', 'sa_detr', 'bm_detr')
#: Sizes that `model.shared` does not reach.
SMALL = {
    'r2_tuning': 'shared=dict(feature_layers=2, frame_tokens=2),',
    'cg_detr': 'shared=dict(num_dummies=3), encoder=dict(encoder=dict(encoder=dict(encoder=dict(num_prompts=3)))),',
    'uvcom': (
        'encoder=dict(similarity=dict(hidden_dims=16), encoder=dict(video_clusters=dict(num_clusters=3))),'
        'query_initializer=dict(num_queries=10, slots=dict(hidden_dims=16, num_iters=2)),'
    ),
}
TEXT = """
_base_ = [
    '{configs}/_base_/models/{name}.py',
    '{configs}/_base_/datasets/synthetic.py',
    '{configs}/_base_/schedules/schedule_quick.py',
    '{configs}/_base_/default_runtime.py',
]
model = dict(
    {small}
    projector=dict(video_dims=10, text_dims=6),
)
model.setdefault('shared', dict()).update(embed_dims=16, num_heads=2, ffn_dims=24)
train_dataloader = dict(
    dataset=dict(num_videos=2, video_dim=8, text_dim=6, clip_len=0.5, context_correlation=0.0),
)
"""


def write_base(name, folder):
    """Write the tiny config of a baseline."""
    path = folder / f'{name}.py'
    path.write_text(TEXT.format(configs=(REPO / 'configs').as_posix(), name=name, small=SMALL.get(name, '')))
    return path


def build(cfg, seed=0):
    """The model of a config."""
    torch.manual_seed(seed)
    return MODELS.build(Config(cfg.to_dict()).model)


@cache
def _items(text):
    dataset = DATASETS.build(Config.fromstring(text, '.py').dataset)
    order = sorted(range(len(dataset)), key=lambda i: i % 3)  # neighbours are of different videos
    return [dataset[i] for i in order[:4]]


def make_batch(cfg):
    """A training batch as the config makes it, views behind the samples."""
    # Copies: predictions are written into the samples, and items are made once.
    return moment_collate(copy.deepcopy(_items(f'dataset = {cfg.train_dataloader.dataset.to_dict()!r}')))


def loss_of(model, batch, seed=1):
    """Losses of a training step; dropout and noise depend on the seed alone."""
    torch.manual_seed(seed)
    return model(**model.train().data_preprocessor(batch, training=True), mode='loss')


def predictions_of(model, inputs):
    """What the model says about every video of a batch: [spans, scores, highlight scores where it has them]."""
    with torch.no_grad():
        outputs = model.eval()(model.data_preprocessor({'inputs': inputs})['inputs'])
    final = outputs.final
    scores = final.logits if final.quality is None else final.quality
    found = []
    for row, video in enumerate(inputs['video']):
        exists = slice(None) if final.mask is None else final.mask[row]  # points on padding do not
        found.append([final.spans[row][exists], scores[row][exists]])
        if outputs.saliency is not None:
            found[-1].append(outputs.saliency[row, : len(video)])
    return found
