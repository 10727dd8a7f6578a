"""Find the most similar other videos of every training video, for SimilarVideoSampler.

    python tools/analysis_tools/build_similar_videos.py CONFIG --out FILE [--memory 2GB]

Features are read through the train data set of the config, so that streams, their order and their normalisation are
what training sees. A video counts once, however many sentences it has.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.cli.arguments import ConfigOptions
from mmvmr.datasets import SimilarVideos
from mmvmr.datasets.samplers.similarity import MEASURES, TopClipSimilarity
from mmvmr.datasets.samplers.similarity_search import find_similar
from mmvmr.registry import DATASETS
from mmvmr.utils.cli import BUILD_ERRORS, UserError, load_config, one_line_errors
from mmvmr.utils.memory import memory_size
from mmvmr.utils.setup import apply_data_root, register_all_modules


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('--out', required=True, metavar='NPZ', help='the index')
    parser.add_argument(
        '--measure',
        choices=sorted(MEASURES),
        default='top_clips',
        help='top_clips: mean of the largest clip-by-clip products (official TD-DETR); pooled: cosine of mean clips',
    )
    parser.add_argument('--top', type=int, default=50, help='top_clips: products that count (default: %(default)s)')
    parser.add_argument('--top-k', type=int, default=50, help='most similar videos to keep (default: %(default)s)')
    parser.add_argument('--least', type=int, default=0, help='least similar videos to keep (default: none)')
    parser.add_argument('--memory', default='2GB', help='bound of what the search holds (default: %(default)s)')
    parser.add_argument('--search', choices=('exact', 'faiss'), default='exact', help='faiss: approximate, pooled only')
    parser.add_argument('--faiss-index', metavar='FACTORY', help='e.g. PCA128,IVF512,Flat; chosen by size by default')
    parser.add_argument('--probes', type=int, default=32, help='faiss: cells to search (default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='where blocks are compared: cpu, cuda (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, default={}, help='KEY=VALUE of the config')
    return parser.parse_args()


def build_dataset(config: str, options: dict[str, Any]) -> Any:
    """The train data set of a config, without augmentation: that may need the index which is yet to be built.

    Args:
        config: The config file.
        options: Dotted keys and their values.

    Returns:
        The data set.
    """
    register_all_modules()
    cfg = load_config(config, options)
    apply_data_root(cfg)
    loader = cfg.get('train_dataloader')
    if loader is None:
        raise UserError(f'config {config}: there is no train_dataloader')
    if loader.dataset.get('pipeline'):
        loader.dataset.pipeline['augment'] = {}
    dataset = DATASETS.build(loader.dataset)
    return getattr(dataset, 'originals', dataset)  # of pairs


def find(dataset: Any, args: argparse.Namespace) -> SimilarVideos:
    """Search as the command line says.

    Args:
        dataset: The data set.
        args: The command line.

    Returns:
        The index.
    """
    spec = dataset.feature_spec
    measure = MEASURES[args.measure]
    measure = measure(len(spec.streams), args.top) if measure is TopClipSimilarity else measure()
    rows: dict[str, int] = {}
    for i, row in enumerate(dataset.rows):
        rows.setdefault(str(row['vid']), i)
    vids, first = list(rows), list(rows.values())

    def read(i: int) -> np.ndarray:
        return dataset.loaded(first[i])['video_feat']

    if args.search == 'faiss' and args.least:
        raise UserError('--least: faiss finds similar videos only; leave it out, or search exactly')
    if odd := [stream.name for stream in spec.streams if stream.normalise != 'l2']:
        print(f'note: the streams {odd} are used without normalisation: similarities are not cosines', flush=True)
    return find_similar(
        vids,
        read,
        measure,
        top_k=args.top_k,
        least=args.least,
        memory=memory_size(args.memory),
        device=args.device,
        feature_spec=spec,
        faiss={'factory': args.faiss_index, 'probes': args.probes} if args.search == 'faiss' else None,
    )


def main() -> None:
    """Search and write; see the module docstring."""
    args = parse_args()
    with one_line_errors(*BUILD_ERRORS):
        for name in ('top', 'top_k', 'probes'):
            if getattr(args, name) < 1:
                raise UserError(f'--{name.replace("_", "-")} {getattr(args, name)}: expected a positive number')
        out = Path(args.out)
        if out.suffix != '.npz':
            raise UserError(f'--out {out}: the name has to end in .npz')
        out.parent.mkdir(parents=True, exist_ok=True)
        index = find(build_dataset(args.config, args.cfg_options), args)
        index.save(out)
        best = index.similarities[:, 0] if index.similarities.shape[1] else np.zeros(0)
        spread = f'; the most similar one: {np.median(best):.3f} in the median' if best.size else ''
        print(f'{out}: {len(index)} videos, up to {index.indices.shape[1]} others each{spread}')


if __name__ == '__main__':
    main()
