"""Show what is in a data set: a table of numbers, and figures of durations, moments, locations, words and examples.

    python tools/analysis_tools/browse_dataset.py configs/qd_detr/qd_detr_qvhl.py --split train val --out figures

Only annotations are read. The figures are distributions.png, locations.png and examples_<split>.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from terminaltables import AsciiTable

from mmvmr.preparation.checks import Split, read_split
from mmvmr.preparation.statistics import statistics, summary
from mmvmr.utils.cli import BUILD_ERRORS, UserError, load_config, one_line_errors
from mmvmr.utils.setup import apply_data_root, register_all_modules
from mmvmr.visualization import draw_distributions, draw_examples, draw_locations


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split', nargs='+', choices=('train', 'val', 'test'), default=['train'], help='default: train'
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the figures')
    parser.add_argument('--examples', type=int, default=8, metavar='N', help='queries that are drawn (default: 8)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args()
    if args.examples < 1:
        parser.error('--examples must be positive')
    return args


def opened(cfg: Config, name: str) -> Split:
    """The rows of a split; refused rows are told and left out.

    Args:
        cfg: The config.
        name: Name of the split.

    Returns:
        The split.

    Raises:
        UserError: If it cannot be opened or is empty.
    """
    loader = cfg.get(f'{name}_dataloader')
    if not loader:
        raise UserError(f'the config has no {name}_dataloader')
    dataset = loader['dataset']
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    split, faults = read_split(name, dataset, features=False)
    if split is None or not split.rows:
        raise UserError(str(faults[0]) if faults else f'{name}: no annotation')
    for fault in faults:
        print(f'left out: {fault}')
    return split


def draw(splits: list[Split], clip_lens: list[float], out: Path, examples: int) -> list[Path]:
    """Draw everything that the annotations allow.

    Args:
        splits: The splits.
        clip_lens: Seconds per clip of each.
        out: Folder of the figures.
        examples: Queries that are drawn of each split.

    Returns:
        The files.
    """
    parts = [statistics(split.name, split.rows) for split in splits]
    print(AsciiTable(summary(parts)).table)
    files = [out / 'distributions.png']
    draw_distributions(parts, files[0])
    if not any(len(part.windows) for part in parts):
        print('no split has moments: locations and examples are not drawn')
        return files
    files.append(out / 'locations.png')
    draw_locations(parts, files[-1])
    for split, part, clip_len in zip(splits, parts, clip_lens):
        if len(part.windows):
            files.append(out / f'examples_{split.name}.png')
            draw_examples(split.rows, files[-1], clip_len, examples)
    return files


def main() -> None:
    """Count, draw, print."""
    args = parse_args()
    with one_line_errors(*BUILD_ERRORS):
        cfg = load_config(args.config, args.cfg_options)
        register_all_modules()
        apply_data_root(cfg)
        splits = [opened(cfg, name) for name in dict.fromkeys(args.split)]
        for path in draw(splits, [split.clip_len or 2.0 for split in splits], Path(args.out), args.examples):
            print(path)


if __name__ == '__main__':
    main()
