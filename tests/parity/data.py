"""Comparison of the data pipeline with recorded inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from testing import ReplayRng
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmvmr.datasets import ArrayStore, BaseMomentDataset, moment_collate
from mmvmr.structures import FeatureSpec, MomentDataSample
from mmvmr.utils.io import read_json
from parity.recording import Tensors, load_arrays

Draws = list[dict[str, Any]]
LABELS = ('saliency_pos_labels', 'saliency_neg_labels')


def moment_detr_pipeline(args: Mapping[str, Any]) -> dict[str, Any]:
    """The data pipeline of Moment-DETR on QVHighlights.

    Args:
        args: The official options.

    Returns:
        Slots of :class:`mmvmr.datasets.MomentPipeline`.
    """
    return {
        'load': {'type': 'LoadMomentFeatures'},
        'tef': {'type': 'AppendTEF'},
        'targets': {
            'type': 'BuildMomentTargets',
            'labels': {'type': 'HighlightLabels'},
            'max_windows': args['max_windows'],
        },
        'pack': {'type': 'PackMomentInputs'},
    }


def recorded_dataset(
    folder: Path, args: Mapping[str, Any], pipeline: Mapping[str, Any], suffix: str = ''
) -> BaseMomentDataset:
    """Recorded raw features as a data set.

    Args:
        folder: A parity folder with ``data.npz`` (``raw_v<i>/<vid>``, ``raw_t/<qid>``) and ``annotations.json``.
        args: The official options.
        pipeline: Slots of the data pipeline.
        suffix: Of the name of the annotations.

    Returns:
        The data set.
    """
    raw = {name: value.numpy() for name, value in load_arrays(folder / 'data.npz').items()}
    streams = sorted({name.split('/')[0] for name in raw if name.startswith('raw_v')})
    widths = {name: next(v.shape[1] for k, v in raw.items() if k.startswith(f'{name}/')) for name in streams}
    spec = FeatureSpec.from_dict(
        {
            'streams': {name: {'dim': width} for name, width in widths.items()},
            'text': {'dim': args['t_feat_dim'], 'max_length': args['max_q_l']},
            'clip_len': args['clip_length'],
            'max_clips': args['max_v_l'],
        }
    )
    stores = {name: ArrayStore(raw, f'{name}/{{vid}}') for name in streams}
    stores['text'] = ArrayStore(raw, 'raw_t/{qid}')
    return BaseMomentDataset(read_json(folder / f'annotations{suffix}.json'), stores, spec, pipeline)


def recorded_batch(
    folder: Path,
    args: Mapping[str, Any],
    pipeline: Mapping[str, Any] | None = None,
    suffix: str = '',
    order: Callable[[Mapping[str, Any], Draws], Draws] = lambda row, draws: draws,
) -> dict[str, Any]:
    """Run a data pipeline on recorded raw features, with the recorded random draws.

    Args:
        folder: A parity folder with ``data.npz``, ``annotations.json`` and ``draws.json``.
        args: The official options.
        pipeline: Slots of the data pipeline; None takes :func:`moment_detr_pipeline`.
        suffix: Of the names of annotations and draws.
        order: Puts the recorded draws of an annotation row into the order in which the pipeline asks for them.

    Returns:
        What the data loader would yield.

    Raises:
        ValueError: If the pipeline draws otherwise than recorded.
    """
    dataset = recorded_dataset(folder, args, pipeline or moment_detr_pipeline(args), suffix)
    file = folder / f'draws{suffix}.json'
    rngs = [ReplayRng(order(row, recorded)) for row, recorded in zip(dataset.rows, read_json(file), strict=True)]
    try:
        batch = moment_collate([dataset.prepare(index, rng) for index, rng in enumerate(rngs)])
    except AssertionError as error:
        raise ValueError(f'{file}: the pipeline draws otherwise than recorded: {error}') from None
    unused = [index for index, rng in enumerate(rngs) if not rng.finished]
    if unused:
        raise ValueError(f'{file}: recorded draws of items {unused} were never asked for')
    return batch


def recorded_arrays(folder: Path, config: Mapping[str, Any]) -> Tensors:
    """What the pipeline of Moment-DETR makes of recorded raw features, under official names.

    Args:
        folder: See :func:`recorded_batch`.
        config: Its ``config.json``.

    Returns:
        Arrays of ``inputs.npz`` and ``targets.npz``.
    """
    batch = recorded_batch(folder, config['args'])
    arrays, recorded = batch_arrays(batch), load_arrays(folder / 'targets.npz')
    for name in LABELS:
        settle_ties([sample.annotation for sample in batch['data_samples']], arrays[name], recorded.get(name))
    return arrays


def settle_ties(rated: Sequence[Mapping[str, Any]], ours: Tensor, recorded: Tensor | None) -> None:
    """Take the recorded clip where the extreme rating of ours has it too, in place.

    Which of several clips with the highest or lowest rating the default sort of numpy finds depends on the processor,
    ours finds the last or the first. Clips that were drawn are left alone.

    Args:
        rated: ``relevant_clip_ids`` and ``saliency_scores`` of every sample.
        ours: Our clips (B, P): the one with the extreme rating, then drawn ones, or that one again.
        recorded: The recorded clips; None, or of another shape, changes nothing.
    """
    if recorded is None or recorded.shape != ours.shape:
        return
    for row, found, wanted in zip(rated, ours, recorded):
        rating = {clip: sum(scores) for clip, scores in zip(row['relevant_clip_ids'], row['saliency_scores'])}
        extreme = found[0].item()
        for column, theirs in enumerate(wanted.tolist()):
            if found[column] == extreme and extreme in rating and rating[extreme] == rating.get(theirs):
                found[column] = theirs


def batch_arrays(batch: Mapping[str, Any]) -> Tensors:
    """A collated batch under the official names of ``inputs.npz`` and ``targets.npz``."""
    samples: list[MomentDataSample] = batch['data_samples']
    spans = [sample.gt_instances.spans for sample in samples]
    arrays: Tensors = {
        'spans_cat': torch.cat(spans),
        'spans_count': torch.tensor([len(s) for s in spans]),
        'saliency_pos_labels': torch.stack([sample.gt_pairs[0] for sample in samples]),
        'saliency_neg_labels': torch.stack([sample.gt_pairs[1] for sample in samples]),
        'saliency_all_labels': pad_sequence([sample.gt_saliency for sample in samples], batch_first=True),
    }
    for name, official in (('video', 'src_vid'), ('text', 'src_txt'), ('neg_text', 'neg_src_txt')):
        features: list[Tensor] = batch['inputs'].get(name)
        if features is None:
            continue
        arrays[official] = pad_sequence(features, batch_first=True)
        masks = [torch.ones(len(feature)) for feature in features]
        arrays[f'{official}_mask'] = pad_sequence(masks, batch_first=True)
    return arrays
