"""The data pipeline of BM-DETR and its parts on recorded inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from testing import ReplayRng
from torch.nn.utils.rnn import pad_sequence

from mmvmr.datasets import ArrayStore, BaseMomentDataset, VideoBatchSampler
from mmvmr.structures import FeatureSpec, MomentDataSample
from mmvmr.utils.io import read_json
from parity.data import LABELS, Draws, batch_arrays, recorded_batch, settle_ties
from parity.methods.detr_family import sine_code
from parity.recording import Tensors, below, load_arrays

_SHIFT = {
    'max_duration': None,
    'clips': 'labelled',
    'reach': 'before_end',
    'window': 'clip_indices',
    'tef': 'kept',
    'full': 'keep',
}


def _pipeline(args: Mapping[str, Any]) -> dict[str, Any]:
    """The official data pipeline; only QVHighlights has ratings."""
    rated = args['dset_name'] == 'hl'
    labels = {'type': 'HighlightLabels'} if rated else {'type': 'MomentLabels', 'no_negative': 'first'}
    shift = {'type': 'ShiftMoment', **_SHIFT} if args.get('use_temporal_shifting') else None
    return {
        'load': {'type': 'LoadMomentFeatures'},
        'augment': {
            'negative': {'type': 'NegativeQuery', 'missing': 'other_video', 'empty': 'other_video'},
            'shift': shift,
        },
        'tef': {'type': 'AppendTEF'},
        'targets': {
            'type': 'BuildMomentTargets',
            'labels': labels,
            'max_windows': args['max_windows'],
            'short': 'preceding',
            'beyond': 'keep',
        },
        'pack': {'type': 'PackMomentInputs'},
    }


def _asked_order(row: Mapping[str, Any], draws: Draws) -> Draws:
    """Our pipeline augments before it makes targets: the negative query and the new place come first."""
    mined = row.get('neg_query_ids')
    which = [i for i, draw in enumerate(draws) if _draws_negative(draw, mined)]
    if not which:
        return draws
    first = which[0]
    last = first + 1
    if last < len(draws) and draws[last]['fn'] == 'sample' and draws[last]['k'] == 1:  # else nothing can be shifted
        last += 1
    return [*draws[first:last], *draws[:first], *draws[last:]]


def _draws_negative(draw: Mapping[str, Any], mined: list[Any] | None) -> bool:
    if not mined:
        return draw['fn'] == 'choice'
    return draw['fn'] == 'sample' and draw['k'] == 1 and draw['pop'] == mined


def recorded_data(folder: Path, config: Mapping[str, Any]) -> Tensors:
    """What our pipeline makes of recorded raw features, under the names of ``inputs.npz`` and ``targets.npz``."""
    arrays: Tensors = {}
    recorded = load_arrays(folder / 'targets.npz')
    for suffix, prefix, args in _variants(folder, config):
        batch = recorded_batch(folder, args, _pipeline(args), suffix, _asked_order)
        views = [sample.get('view') for sample in batch['data_samples']]
        for view, names in (('main', _main_names), ('shift', _shift_names)):
            rows = [i for i, name in enumerate(views) if name == view]
            if rows:
                arrays |= {prefix + name: value for name, value in names(_rows(batch, rows)).items()}
        rated = [sample.annotation for sample in batch['data_samples']]
        for name in LABELS if args['dset_name'] == 'hl' else ():
            settle_ties(rated, arrays[prefix + name], recorded.get(prefix + name))
    return arrays


def _variants(folder: Path, config: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Suffix of the files, prefix of the arrays and options of the Charades-style and the QVHighlights-style runs."""
    args = dict(config['args'])
    variants = [('', '', args), ('_qv', 'qv.', {**args, **config.get('qv_args_override', {})})]
    return [variant for variant in variants if (folder / f'draws{variant[0]}.json').exists()]


def _rows(batch: Mapping[str, Any], rows: list[int]) -> Tensors:
    inputs = {name: [values[i] for i in rows] for name, values in batch['inputs'].items()}
    samples: list[MomentDataSample] = [batch['data_samples'][i] for i in rows]
    arrays = batch_arrays({'inputs': inputs, 'data_samples': samples})
    arrays['match_labels'] = pad_sequence([sample.gt_clips.long() for sample in samples], batch_first=True)
    return {**arrays, 'logit_mask': arrays['src_vid_mask']}


def _main_names(arrays: Tensors) -> Tensors:
    return arrays


def _shift_names(arrays: Tensors) -> Tensors:
    inputs = {
        'shifted_vid': arrays['src_vid'],
        'shifted_vid_mask': arrays['src_vid_mask'],
        'shifted_match_labels': arrays['match_labels'],
    }
    return inputs | {f'shifting.{name}': value for name, value in arrays.items()}


def recorded_functions(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    """The sine code at its official width, temporal shifting of single videos, the batch sampler."""
    outputs = load_arrays(folder / 'outputs.npz')
    yield from sine_code(outputs, width_first=True)
    shifted = load_arrays(folder / 'temporal_shift.npz')
    if shifted:
        ours: Tensors = {}
        for case in read_json(folder / 'temporal_shift.json'):
            prefix = f'{case["case"]}.'
            given = below(shifted, prefix)
            ours |= {prefix + name: value for name, value in _shift(given, case['draws'], config['args']).items()}
        yield 'temporal shifting', ours, shifted
    if (folder / 'sampler.json').exists():
        yield 'batch sampler', *_sampled(read_json(folder / 'sampler.json'))


def _shift(given: Tensors, draws: Draws, args: Mapping[str, Any]) -> Tensors:
    """Our pipeline on one recorded video; the given quantities are passed on."""
    features, clip_len = given['vid_feat'].numpy(), int(given['clip_len'])
    window = given['gt_window'].tolist()
    row = {'qid': 0, 'vid': 'v', 'query': 'q', 'duration': len(features) * clip_len, 'relevant_windows': [window]}
    pipeline = _pipeline({**args, 'dset_name': 'charades', 'use_temporal_shifting': True})
    pipeline['augment']['negative'] = None
    spec = FeatureSpec.from_dict(
        {
            'streams': {'v': {'dim': features.shape[1] - 2, 'normalise': 'none'}},
            'text': {'dim': 1},
            'clip_len': clip_len,
        }
    )
    words = torch.ones(1, 1).numpy()
    stores = {'v': ArrayStore({'v': features[:, :-2]}), 'text': ArrayStore({'0': words}, '{qid}')}
    dataset = BaseMomentDataset([row], stores, spec, pipeline)
    # Main targets are made with a window that nothing is drawn for; only the view is looked at.
    replay = ReplayRng(draws)
    results = dataset.loaded(0, replay)
    results = dataset.pipeline.augment['shift'](results)
    view = dataset.pipeline.finish['tef'](results['views']['shift'])
    view = dataset.pipeline.finish['targets'](view)
    if not replay.finished:
        raise ValueError('temporal_shift.json: recorded draws were never asked for')
    start, end = view['relevant_windows'][0]
    return {
        **{name: given[name] for name in ('vid_feat', 'gt_window', 'ctx_l', 'clip_len')},
        'shifted_feat': torch.from_numpy(view['video_feat']),
        'shifted_window': torch.tensor([start, end], dtype=torch.float64),
        'shifted_span_label': view['gt_spans'],
        'saliency_pos': torch.from_numpy(view['gt_pairs'][0]),
        'saliency_neg': torch.from_numpy(view['gt_pairs'][1]),
        'match_labels': torch.from_numpy(view['gt_clips']).long(),
        'draw_start': torch.tensor(int(start)),
    }


def _sampled(cases: list[dict[str, Any]]) -> tuple[Tensors, Tensors]:
    ours, recorded = {}, {}
    for number, case in enumerate(cases):
        sampler = VideoBatchSampler(case['order'], case['batch_size'], repeats='drop', videos=case['vids'])
        for arrays, batches, length in (
            (ours, list(sampler), len(sampler)),
            (recorded, case['batches'], case['reported_len']),
        ):
            arrays[f'{number}.indices'] = torch.tensor([index for batch in batches for index in batch])
            arrays[f'{number}.sizes'] = torch.tensor([len(batch) for batch in batches])
            arrays[f'{number}.len'] = torch.tensor(length)
        recorded[f'{number}.n_used'] = torch.tensor(case['n_used'])
        ours[f'{number}.n_used'] = torch.tensor(len(ours[f'{number}.indices']))
    return ours, recorded
