"""Comparison of synthesized pairs, partners and batches with those of TD-DETR's data code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from testing import ReplayRng
from torch import Tensor

from mmvmr.datasets import BaseMomentDataset, moment_collate
from mmvmr.datasets.samplers.similarity import TopClipSimilarity
from mmvmr.official_td_detr.pair_sampler import (
    OFFICIAL_STREAMS,
    PairBatchSampler,
    official_partners,
    similarity_matrix,
)
from mmvmr.structures import MomentDataSample
from mmvmr.utils.io import read_json
from parity.data import LABELS, batch_arrays, settle_ties
from parity.pair_world import World
from parity.recording import Tensors, load_arrays

Recorded = Mapping[str, Any]
SEEDS = range(10_000)  # where that of the recording is looked for: batch b drew its partners with a seed of base + b


def compared(folder: Path, config: Recorded) -> Iterator[tuple[str, Tensors, Tensors]]:
    """Everything that a folder of the data code records, but the masked features.

    Args:
        folder: The parity folder.
        config: Its ``config.json``.

    Yields:
        Name of a group, ours and the recorded numbers.
    """
    sets = read_json(folder / 'annotations.json')
    raw = {name: value.numpy() for name, value in load_arrays(folder / 'features.npz').items()}
    worlds = {name: World(name, entry, raw, config) for name, entry in sets.items()}
    if (folder / 'cases.json').exists():
        yield 'synthesized videos', *_cases(folder, worlds)
    yield 'loaded features', *_loaded(worlds)
    if (folder / 'sim.npz').exists():
        arrays = load_arrays(folder / 'sim.npz')
        yield 'similarities', *_similarities(arrays, worlds)
        yield 'partners', *_partners(arrays, worlds)
    if (folder / 'collate.json').exists():
        yield 'batches', *_batches(folder, worlds)


def _cases(folder: Path, worlds: Mapping[str, World]) -> tuple[Tensors, Tensors]:
    ours: Tensors = {}
    recorded = load_arrays(folder / 'cases.npz')
    for case in read_json(folder / 'cases.json'):
        world = worlds[case['set']]
        last = len(world.rows) - 1
        rng = _replay(case['draws'])
        with _same_draws(rng, f'{folder}/cases.json: {case["id"]}'):
            samples = world.dataset(case['alpha']).prepare(min(case['index'][0], last), case['index'][1], rng)
        vids = [sample['data_samples'].vid for sample in samples]
        for number, sample in enumerate(samples):
            prefix = f'{case["id"]}/{number}/'
            ours |= {prefix + name: value for name, value in _sample_arrays(sample).items()}
            ours[prefix + 'source'] = _named_source(sample['data_samples'].source_clips, vids[number], vids[1 - number])
            described = dict(case[str(number)])
            described |= {f'meta/{name}': value for name, value in described.pop('meta').items()}
            recorded |= {prefix + name: _as_tensor(name, value) for name, value in described.items()}
            if world.highlights:
                _settle_ties([sample['data_samples']], ours, recorded, prefix)
    return ours, recorded


def _settle_ties(samples: Sequence[MomentDataSample], ours: Tensors, recorded: Tensors, prefix: str) -> None:
    rated = [{name: sample.get(name) for name in ('relevant_clip_ids', 'saliency_scores')} for sample in samples]
    for name in (prefix + name for name in LABELS):
        rows = ours[name].reshape(len(samples), -1)  # a view
        if name in recorded:
            settle_ties(rated, rows, recorded[name].reshape(len(samples), -1))


def _named_source(source: np.ndarray, own: str, other: str) -> Tensor:
    """Where clips come from, with the number in the name of the video (``vid5``) as the recording has it."""
    numbers = [int(re.sub(r'\D', '', vid) or 0) for vid in (own, other)]
    return torch.tensor([[numbers[video], clip] for video, clip in source.tolist()])


def _sample_arrays(item: Recorded) -> Tensors:
    """A synthesized sample under the names of ``cases.json`` and ``cases.npz``."""
    sample = item['data_samples']
    meta = {
        **{name: sample.get(name) for name in ('qid', 'query', 'vid', 'duration', 'relevant_windows')},
        **{name: sample.get(name) for name in ('relevant_clip_ids', 'saliency_scores')},
        'ori_duration': sample.source_duration,
        'ori_windows': sample.annotation['relevant_windows'],
    }
    return {
        'video_feat': item['inputs']['video'],
        'query_feat': item['inputs']['text'],
        'span_labels': sample.gt_instances.spans,
        'saliency_all_labels': sample.gt_saliency,
        'saliency_pos_labels': sample.gt_pairs[0],
        'saliency_neg_labels': sample.gt_pairs[1],
        'clip_len': torch.tensor(sample.clip_len, dtype=torch.float64),
        'query_index': torch.tensor(sample.index),
        'idxs': torch.tensor(sample.index),
        **{f'meta/{name}': _as_tensor(name, value) for name, value in meta.items() if value is not None},
    }


def _as_tensor(name: str, value: Any) -> Tensor:
    """Numbers as they are, text as its characters. The official code leaves shuffled windows shuffled: sorted here."""
    if isinstance(value, str):
        return torch.tensor([ord(character) for character in value])
    if name.endswith('windows'):
        value = sorted(value)
    return torch.tensor(value, dtype=torch.float64) if not isinstance(value, Tensor) else value


def _loaded(worlds: Mapping[str, World]) -> tuple[Tensors, Tensors]:
    ours: Tensors = {}
    recorded: Tensors = {}
    for name, world in worlds.items():
        dataset = world.dataset(0.5).pairs
        for index, row in enumerate(world.rows):
            key = f'{row["vid"]}/loaded'
            if key in world.raw:
                ours[f'{name}/{key}'] = torch.tensor(dataset.loaded(index)['video_feat'])
        recorded |= {f'{name}/{k}': torch.tensor(v) for k, v in world.raw.items() if k.endswith('/loaded')}
    return ours, recorded


def _similarities(arrays: Tensors, worlds: Mapping[str, World]) -> tuple[Tensors, Tensors]:
    ours = {}
    for name, world in worlds.items():
        dataset = world.dataset(0.5)
        videos = [dataset.video(index) for index in range(len(world.rows))]
        ours[f'{name}/matrix'] = torch.from_numpy(similarity_matrix(videos, TopClipSimilarity(OFFICIAL_STREAMS)))
    return ours, {name: value for name, value in arrays.items() if name.endswith('/matrix')}


def _partners(arrays: Tensors, worlds: Mapping[str, World]) -> tuple[Tensors, Tensors]:
    ours = {}
    first = first_seed(arrays)
    datasets = {name: world.dataset(0.5) for name, world in worlds.items()}
    for name, value in arrays.items():
        world, batch, *strategy = name.split('/')
        if batch == 'matrix':
            continue
        if not strategy:
            ours[name] = value  # the question
            continue
        sampler = PairBatchSampler(
            SimpleNamespace(dataset=datasets[world]),
            batch_size=len(value),
            strategy=strategy[0],
            max_similarity=None if worlds[world].highlights else 0.9,
        )
        generator = torch.Generator().manual_seed(first + int(batch.removeprefix('batch')))
        ours[name] = torch.tensor(sampler.paired(arrays[f'{world}/{batch}'].tolist(), generator))
    return ours, {name: value for name, value in arrays.items() if not name.endswith('/matrix')}


def first_seed(arrays: Tensors) -> int:
    """The seed of the first batch, which recordings do not tell: the one with which all random partners come out.

    Args:
        arrays: Content of ``sim.npz``.

    Returns:
        The seed; the first of all where none reproduces the random partners, so that they differ.
    """
    drawn = []
    for name, value in arrays.items():
        match = re.fullmatch(r'(.+)/batch(\d+)/random', name)
        if match:
            batch, partners = arrays[f'{match[1]}/batch{match[2]}'], value[:, 1]
            drawn.append((int(match[2]), batch, partners))

    def comes_out(first: int) -> bool:
        return all(
            torch.equal(batch[_random_places(len(batch), first + number)], partners)
            for number, batch, partners in drawn
        )

    return next((seed for seed in SEEDS if comes_out(seed)), SEEDS[0])


def _random_places(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return official_partners(torch.zeros(count, count), 'random', generator, None)


def _batches(folder: Path, worlds: Mapping[str, World]) -> tuple[Tensors, Tensors]:
    ours: Tensors = {}
    recorded = load_arrays(folder / 'collate.npz')
    for name, entry in read_json(folder / 'collate.json').items():
        world = worlds[name]
        dataset, rng = world.dataset(world.config['alpha']), _replay(entry['draws'])
        items, synthetic = [], []
        with _same_draws(rng, f'{folder}/collate.json: {name}'):
            for index, partner in entry['batch']:
                before = rng.position
                items.append(dataset.prepare(index, partner, rng))
                synthetic += [index < len(world.rows)] * len(items[-1])
                if index >= len(world.rows):
                    _keep_order(dataset.originals, index - len(world.rows), rng.recorded[before : rng.position])
        batch = moment_collate(items)
        samples = batch['data_samples']
        arrays = {
            **batch_arrays(batch),
            'idxs': torch.tensor([sample.index for sample in samples]),
            'qid_order': torch.tensor([sample.qid for sample in samples]),
            'synthetic': torch.tensor(synthetic),
        }
        ours |= {f'{name}/{key}': value for key, value in arrays.items()}
        recorded |= {f'{name}/{key}': torch.tensor(entry[key]) for key in ('qid_order', 'synthetic')}
        if world.highlights:
            _settle_ties(samples, ours, recorded, f'{name}/')
    return ours, recorded


def _keep_order(originals: BaseMomentDataset, index: int, calls: Sequence[Recorded]) -> None:
    """Windows of an original that were put into random order stay so: the official code shuffles the annotation."""
    for call in calls:
        if call['fn'] == 'shuffle':
            originals.rows[index] = {**originals.rows[index], 'relevant_windows': call['result']}


def _replay(draws: Sequence[Recorded]) -> ReplayRng:
    """Recorded calls of Python's ``random`` under the names of our generator."""
    names = {'random': 'uniform'}
    return ReplayRng(
        [
            {
                'fn': names.get(call['fn'], call['fn']),
                'pop': call.get('population', call.get('before')),
                'k': call.get('k'),
                'result': call['out'],
            }
            for call in draws
        ]
    )


@contextmanager
def _same_draws(rng: ReplayRng, where: str) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        raise ValueError(f'{where} draws otherwise than recorded: {error}') from None
    if not rng.finished:
        raise ValueError(f'{where}: {len(rng.recorded) - rng.position} recorded draws were never asked for')
