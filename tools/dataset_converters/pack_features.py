"""Pack the features of a data set into a few files that training maps into its memory, or check such a pack.

From a config, features are packed as its models see them: normalised, all video streams side by side, with TEF. The
pack then serves every config with the same feature_spec, and reading it costs nothing. With --as-stored, and from
folders, vectors are packed as they were extracted, for pipelines that change them before they are normalised.

A pack becomes visible when it is complete: after an interruption, run the same command again.

Examples:
    python tools/dataset_converters/pack_features.py configs/qd_detr/qd_detr_qvhl.py --out data/qvhl/packed
    python tools/dataset_converters/pack_features.py 'slowfast=data/qvhl/slowfast_features/{vid}.npz' \
        'text=data/qvhl/clip_text_features/qid{qid}.npz' --clip-len 2 --dtype float16 --out data/qvhl/packed
    python tools/dataset_converters/pack_features.py --verify --out data/qvhl/packed
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.cli.arguments import ConfigOptions
from mmvmr.datasets import FolderStore
from mmvmr.datasets.moment_dataset import annotation_files
from mmvmr.datasets.stores.packed_store import Pack
from mmvmr.preparation.feature_packing import DTYPES, PackSource, check_unique_sentences, write_pack
from mmvmr.registry import DATASETS
from mmvmr.structures import FeatureSpec
from mmvmr.utils.cli import BUILD_ERRORS, UserError, load_config, one_line_errors
from mmvmr.utils.progress import progress
from mmvmr.utils.setup import apply_data_root, register_all_modules

SPLITS = ('train', 'val', 'test')
Row = dict[str, Any]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        'source', nargs='*', metavar='CONFIG | NAME=TEMPLATE', help='a config, or streams such as clip=clip/{vid}.npz'
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the pack')
    parser.add_argument('--verify', action='store_true', help='compare the pack with its checksums; alone: only that')
    parser.add_argument('--dtype', choices=list(DTYPES), default='float32', help='default: %(default)s')
    parser.add_argument('--as-stored', action='store_true', help='do not normalise and join the streams')
    parser.add_argument('--splits', nargs='+', choices=SPLITS, help='of the config; default: all with annotations')
    parser.add_argument('--clip-len', type=float, metavar='SECONDS', help='of a clip; needed for folders')
    parser.add_argument('--overwrite', action='store_true', help='replace the pack that is there')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args(argv)
    args.folders = bool(args.source) and all('=' in source for source in args.source)
    if not args.source and not args.verify:
        parser.error('give a config, or streams as NAME=TEMPLATE')
    if args.folders and (args.clip_len is None or args.splits or args.cfg_options):
        parser.error('streams as NAME=TEMPLATE need --clip-len, and have no --splits and --cfg-options')
    if not args.folders and (len(args.source) > 1 or args.clip_len is not None):
        parser.error('a config comes alone and says itself what --clip-len is')
    return args


def from_config(args: argparse.Namespace) -> tuple[PackSource, list[Row]]:
    """Read what the data sets of a config contain.

    Returns:
        The source, and all annotation rows.
    """
    cfg = load_config(args.source[0], args.cfg_options)
    apply_data_root(cfg)
    datasets = {split: dataset for split in SPLITS if (dataset := _dataset(cfg, split, args)) is not None}
    if not datasets:
        raise UserError(f'{args.source[0]}: no split has an annotation file; correct data_root')
    first, *others = datasets.values()
    if any(other.feature_spec != first.feature_spec for other in others):
        raise UserError(f'{args.source[0]}: the splits have other feature_specs: pack them one by one with --splits')
    load = first.pipeline.load
    layout = 'stored' if args.as_stored else 'ready'
    if layout == 'ready' and type(load).__name__ != 'LoadMomentFeatures':
        raise UserError(f'{type(load).__name__} works on features before they are normalised: add --as-stored')
    check = load.clip_time == 'declared'
    source = PackSource(first.stores, first.feature_spec, layout, args.dtype, check, load.duration_tolerance)
    args.data_root = first.data_root
    return source, [row for dataset in datasets.values() for row in dataset.rows]


def _dataset(cfg: Config, split: str, args: argparse.Namespace) -> Any:
    """The data set of a split without its augmentations, which may need other files; None if it is not wanted."""
    config = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    if config is None or (args.splits and split not in args.splits):
        return None
    if config.type != 'MomentDataset':
        raise UserError(f'{args.source[0]}: the {split} data is a {config.type}, only a MomentDataset reads files')
    paths = annotation_files(config.ann_file, config.get('data_root', ''))
    if not args.splits and (absent := [path for path in paths if not path.is_file()]):
        print(f'{split}: left out, there is no {absent[0]}', file=sys.stderr)
        return None
    config.pipeline.augment = {}
    return DATASETS.build(config)


def from_folders(args: argparse.Namespace) -> tuple[PackSource, list[Row]]:
    """Every file of some folders.

    Returns:
        The source, and a row for every file.
    """
    stores, dims = {}, {}
    names: dict[str, dict[str, None]] = {'vid': {}, 'qid': {}}
    for source in args.source:
        stream, _, template = source.partition('=')
        key = 'qid' if stream == 'text' else 'vid'
        path = Path(template)
        before, found, after = path.name.partition(f'{{{key}}}')
        if not found or not path.parent.is_dir():
            raise UserError(f'{source}: expected the name of a file with {{{key}}} in a folder that exists')
        pattern = re.compile(re.escape(before) + '(.+)' + re.escape(after))
        files = sorted(match[1] for name in path.parent.iterdir() if (match := pattern.fullmatch(name.name)))
        if not files:
            raise UserError(f'{source}: no file has such a name')
        stores[stream] = FolderStore(str(path.parent), path.name)
        dims[stream] = {'dim': int(stores[stream].read({'vid': files[0], 'qid': files[0]}).shape[-1])}
        names[key].update(dict.fromkeys(files))
    if 'text' not in stores or len(stores) < 2:
        raise UserError('give at least one video stream, and the words as text=...')
    text = dims.pop('text')
    spec = FeatureSpec.from_dict({'streams': dims, 'text': text, 'clip_len': args.clip_len})
    rows = [{'vid': name, 'qid': None} for name in names['vid']] + [{'vid': None, 'qid': name} for name in names['qid']]
    return PackSource(stores, spec, 'stored', args.dtype, check_duration=False), rows


def pack(args: argparse.Namespace) -> None:
    """Write a pack, and say how a config uses it."""
    source, rows = from_folders(args) if args.folders else from_config(args)
    check_unique_sentences(rows)
    packed = write_pack(Path(args.out), source, progress(rows), args.overwrite)
    for name, block in packed.blocks.items():
        size = f'{block.array.nbytes / 2**20:.1f} MiB {source.dtype}'
        print(f'{block.path}: {len(block.entries)} entries of {name}, {size}')
    root, folder = getattr(args, 'data_root', Path()).absolute(), packed.index.parent
    shown = str(folder.relative_to(root) if folder.is_relative_to(root) else folder)
    print(f'In the config of every data loader, or with --cfg-options: dataset.stores.packed={shown!r}')


def verify(folder: Path) -> None:
    """Compare a pack with its checksums.

    Raises:
        UserError: If anything differs.
    """
    packed = Pack(folder)
    damaged = list(packed.damaged())
    if damaged:
        more = f', and {len(damaged) - 1} more' if len(damaged) > 1 else ''
        raise UserError(f'{damaged[0]}{more}')
    print(f'{folder}: {sum(len(block.entries) for block in packed.blocks.values())} entries are as they were packed')


def main(argv: list[str] | None = None) -> None:
    """Pack, verify, or both."""
    args = parse_args(argv)
    register_all_modules()
    with one_line_errors(*BUILD_ERRORS):
        if args.source:
            pack(args)
        if args.verify:
            verify(Path(args.out))


if __name__ == '__main__':
    main()
